"""Addresses of the web bank."""

from django.urls import path

from banking.web import accounts, closing, limits, new_order, opening, orders, payees, sharing, transfers

app_name = "bank"
urlpatterns = [
    path("", accounts.overview, name="accounts"),
    path("accounts/<uuid:account_id>", accounts.account, name="account"),
    path("accounts/<uuid:account_id>/statements", accounts.statement_list, name="statements"),
    path("accounts/<uuid:account_id>/statements/<str:month>.csv", accounts.statement_csv, name="statement-csv"),
    path("accounts/<uuid:account_id>/statements/<str:month>", accounts.statement, name="statement"),
    path("accounts/<uuid:account_id>/sharing", sharing.sharing, name="sharing"),
    path("accounts/<uuid:account_id>/name", sharing.rename, name="rename"),
    path("accounts/<uuid:account_id>/access/<uuid:user_id>/end", sharing.end, name="end-access"),
    path("accounts/<uuid:account_id>/close", closing.close, name="close-account"),
    path("accounts/<uuid:account_id>/reactivate", closing.reactivate, name="reactivate"),
    path("invitations/<uuid:invitation_id>/accept", sharing.accept, name="accept-invitation"),
    path("invitations/<uuid:invitation_id>/decline", sharing.decline, name="decline-invitation"),
    path("invitations/<uuid:invitation_id>/withdraw", sharing.withdraw, name="withdraw-invitation"),
    path("open", opening.apply, name="open"),
    path("applications/<uuid:application_id>/withdraw", opening.withdraw, name="withdraw-application"),
    path("transfer", transfers.fill_in, name="transfer"),
    path("transfer/<str:key>", transfers.confirm, name="confirm"),
    path("transfers/<uuid:transfer_id>", transfers.receipt, name="receipt"),
    path("transfers/<uuid:transfer_id>/cancel", transfers.cancel, name="cancel-transfer"),
    path("payees", payees.payees, name="payees"),
    path("payees/<uuid:payee_id>/remove", payees.remove, name="remove-payee"),
    path("limits", limits.limits, name="limits"),
    path("orders", orders.orders, name="orders"),
    path("orders/new", new_order.fill_in, name="new-order"),
    path("orders/new/<str:key>", new_order.confirm, name="confirm-order"),
    path("orders/<uuid:order_id>", orders.order, name="order"),
    path("orders/<uuid:order_id>/change", orders.change, name="change-order"),
    path("orders/<uuid:order_id>/pause", orders.pause, name="pause-order"),
    path("orders/<uuid:order_id>/resume", orders.resume, name="resume-order"),
    path("orders/<uuid:order_id>/cancel", orders.cancel, name="cancel-order"),
]
