"""Addresses of the API, its description and its problem types. Included at the root of the site."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularSwaggerOauthRedirectView

from banking.api.accounts import AccountDetail, AccountList, BalanceDetail
from banking.api.consent import ConsentView
from banking.api.direct_debit_collections import CollectionList, CollectionRefund
from banking.api.direct_debits import DirectDebitCancel, DirectDebitDetail, DirectDebitList
from banking.api.exchanges import ExchangeDetail, ExchangeList, QuoteDetail, QuoteList
from banking.api.funds_confirmation import FundsConfirmationList
from banking.api.guide_page import guide
from banking.api.limits import LimitsView
from banking.api.openapi.document import APIDocs, OpenAPIDocument, api_changes
from banking.api.party import PartyView
from banking.api.payees import PayeeCheckView, PayeeDetail, PayeeList
from banking.api.problem_page import problem_page
from banking.api.scheduled_transfers import (
    ScheduledTransferCancel,
    ScheduledTransferDetail,
    ScheduledTransferList,
    ScheduledTransferPause,
    ScheduledTransferResume,
)
from banking.api.statements import StatementDetail, StatementList
from banking.api.transaction_feed import TransactionFeedView
from banking.api.transactions import TransactionDetail, TransactionList
from banking.api.transfers import TransferCancel, TransferDetail, TransferList, TransferRehearsals
from banking.api.views import NotHere
from banking.api.webhooks import WebhookDeliveries, WebhookDetail, WebhookList, WebhookPing

urlpatterns = [
    path("api/v1/accounts", AccountList.as_view(), name="accounts"),
    path("api/v1/accounts/<str:account_id>", AccountDetail.as_view(), name="account"),
    path("api/v1/accounts/<str:account_id>/balances", BalanceDetail.as_view(), name="balances"),
    path("api/v1/accounts/<str:account_id>/transactions", TransactionList.as_view(), name="transactions"),
    path(
        "api/v1/accounts/<str:account_id>/transactions/<str:transaction_id>",
        TransactionDetail.as_view(),
        name="transaction",
    ),
    path("api/v1/accounts/<str:account_id>/statements", StatementList.as_view(), name="statements"),
    path("api/v1/accounts/<str:account_id>/statements/<str:month>", StatementDetail.as_view(), name="statement"),
    path("api/v1/consent", ConsentView.as_view(), name="consent"),
    path("api/v1/exchange-quotes", QuoteList.as_view(), name="exchange-quotes"),
    path("api/v1/exchange-quotes/<str:quote_id>", QuoteDetail.as_view(), name="exchange-quote"),
    path("api/v1/exchanges", ExchangeList.as_view(), name="exchanges"),
    path("api/v1/exchanges/<str:exchange_id>", ExchangeDetail.as_view(), name="exchange"),
    path("api/v1/funds-confirmations", FundsConfirmationList.as_view(), name="funds-confirmations"),
    path("api/v1/direct-debits", DirectDebitList.as_view(), name="direct-debits"),
    path("api/v1/direct-debits/<str:direct_debit_id>", DirectDebitDetail.as_view(), name="direct-debit"),
    path("api/v1/direct-debits/<str:direct_debit_id>/collections", CollectionList.as_view(), name="collections"),
    path(
        "api/v1/direct-debits/<str:direct_debit_id>/collections/<str:collection_id>/refund",
        CollectionRefund.as_view(),
        name="collection-refund",
    ),
    path("api/v1/direct-debits/<str:direct_debit_id>/cancel", DirectDebitCancel.as_view(), name="direct-debit-cancel"),
    path("api/v1/limits", LimitsView.as_view(), name="limits"),
    path("api/v1/party", PartyView.as_view(), name="party"),
    path("api/v1/payees", PayeeList.as_view(), name="payees"),
    path("api/v1/payees/<str:payee_id>", PayeeDetail.as_view(), name="payee"),
    path("api/v1/payee-checks", PayeeCheckView.as_view(), name="payee-checks"),
    path("api/v1/transactions", TransactionFeedView.as_view(), name="transaction-feed"),
    path("api/v1/transfers", TransferList.as_view(), name="transfers"),
    path("api/v1/transfers/<str:transfer_id>", TransferDetail.as_view(), name="transfer"),
    path("api/v1/transfers/<str:transfer_id>/cancel", TransferCancel.as_view(), name="transfer-cancel"),
    path("api/v1/transfer-rehearsals", TransferRehearsals.as_view(), name="transfer-rehearsals"),
    path("api/v1/scheduled-transfers", ScheduledTransferList.as_view(), name="scheduled-transfers"),
    path("api/v1/scheduled-transfers/<str:scheduled_id>", ScheduledTransferDetail.as_view(), name="scheduled-transfer"),
    path(
        "api/v1/scheduled-transfers/<str:scheduled_id>/cancel",
        ScheduledTransferCancel.as_view(),
        name="scheduled-transfer-cancel",
    ),
    path(
        "api/v1/scheduled-transfers/<str:scheduled_id>/pause",
        ScheduledTransferPause.as_view(),
        name="scheduled-transfer-pause",
    ),
    path(
        "api/v1/scheduled-transfers/<str:scheduled_id>/resume",
        ScheduledTransferResume.as_view(),
        name="scheduled-transfer-resume",
    ),
    path("api/v1/webhooks", WebhookList.as_view(), name="webhooks"),
    path("api/v1/webhooks/<str:webhook_id>", WebhookDetail.as_view(), name="webhook"),
    path("api/v1/webhooks/<str:webhook_id>/ping", WebhookPing.as_view(), name="webhook-ping"),
    path("api/v1/webhooks/<str:webhook_id>/deliveries", WebhookDeliveries.as_view(), name="webhook-deliveries"),
    path("api/changes", api_changes, name="api-changes"),
    path("api/schema", OpenAPIDocument.as_view(), name="api-schema"),
    path("api/docs", APIDocs.as_view(), name="api-docs"),
    path("api/docs/oauth2-redirect", SpectacularSwaggerOauthRedirectView.as_view(), name="api-docs-redirect"),
    re_path(r"^api/", NotHere.as_view()),
    path("problems/<str:code>", problem_page, name="problem"),
    path("developers/guides", guide, name="developer-guides"),
    path("developers/guides/<str:slug>", guide, name="developer-guide"),
]
