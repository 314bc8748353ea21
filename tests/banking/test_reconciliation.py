"""Settlement files: read once, matched with the ledger, and each difference worked on by two officers."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from banking import oversight, payments
from banking.accounts.opening import internal_account
from banking.ledger import audit, post
from banking.models import (
    AccountAccess,
    LedgerEntry,
    SettlementDifference,
    SettlementFile,
    SettlementMatch,
    Transfer,
)
from banking.oversight.differences import NotOpen, SameUser
from banking.oversight.own_money import OwnMoney
from banking.oversight.requester import RequesterHasAccess, RequesterNotAllowed
from banking.payments.scheme import IncomingPayment
from banking.reconciliation import AlreadyRead, MalformedFile, read_file
from banking.reconciliation.camt053 import parse
from oauth.models import AuditEvent
from tests.lib.database import connected_as, site_role
from tests.lib.other_banks import OtherBanks
from tests.lib.staff import browser_of, officer
from tests.lib.transfers import ELSEWHERE, KEY, body_of, send

pytestmark = pytest.mark.django_db


def entry(amount, direction="DBIT", refs="", status="<Sts><Cd>BOOK</Cd></Sts>", currency="GBP", more=""):
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{status}'
        f"<NtryDtls><TxDtls><Refs>{refs}</Refs></TxDtls>{more}</NtryDtls></Ntry>"
    )


def camt(*entries, message_id="M1", days=1, balances="", version="08", head=""):
    now = datetime.now(UTC)
    period = (
        f"<FrToDt><FrDtTm>{now - timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}</FrDtTm>"
        f"<ToDtTm>{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}</ToDtTm></FrToDt>"
    )
    return (
        f'<?xml version="1.0"?>{head}<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
        f"<BkToCstmrStmt><GrpHdr><MsgId>{message_id}</MsgId></GrpHdr><Stmt><Id>S</Id>{period}"
        f"<Acct><Ccy>GBP</Ccy></Acct>{balances}{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def ids(end_to_end="", ours=""):
    return (f"<EndToEndId>{end_to_end}</EndToEndId>" if end_to_end else "") + (f"<TxId>{ours}</TxId>" if ours else "")


@pytest.fixture
def paid(alice_api, current, monkeypatch):
    """Three payments to another bank that were settled: 1.00, 2.00 and 3.00."""
    monkeypatch.setattr("banking.payments.scheme.configured_scheme", OtherBanks)
    settled = []
    for number in (1, 2, 3):
        body = body_of(current, ELSEWHERE, number * 100, end_to_end_id=f"E{number}")
        transfer = Transfer.objects.get(pk=send(alice_api, body, f"{KEY}-{number}").json()["id"])
        payments.settle(transfer.pk)
        transfer.refresh_from_db()
        assert transfer.status == "posted"
        settled.append(transfer)
    return settled


def found():
    return {(one.kind, one.file_minor, one.our_minor) for one in SettlementDifference.objects.all()}


def suspense():
    return internal_account("GBP", "Suspense").posted_minor


def test_what_both_sides_have_is_matched_by_our_id_or_the_end_to_end_id(paid):
    first, second, third = paid
    file = read_file(
        camt(
            entry("1.00", refs=ids(ours=first.pk.hex)),
            entry("2.00", refs=f"<InstrId>{second.pk.hex.upper()}</InstrId>", status="<Sts>BOOK</Sts>"),
            entry("3.00", refs=ids(end_to_end="E3")),
            entry("9.99", refs=ids(end_to_end="E9"), status="<Sts><Cd>PDNG</Cd></Sts>"),
            version="02",
        )
    )
    assert (file.entries, file.matched, found()) == (3, 3, set())
    assert SettlementMatch.objects.count() == 3
    assert third.end_to_end_id == "E3"


def test_each_kind_of_difference_is_on_the_worklist(paid):
    file = read_file(
        camt(entry("1.00", refs=ids("E1")), entry("2.50", refs=ids("E2")), entry("7.00", "CRDT", ids("E7")))
    )
    assert file.matched == 1
    assert found() == {("amount", -250, -200), ("missing_here", 700, None), ("missing_there", None, -300)}


def test_an_entry_with_many_payments_is_matched_payment_by_payment(paid):
    details = "".join(
        f'<TxDtls><Refs>{ids(f"E{number}")}</Refs><Amt Ccy="GBP">{number}.00</Amt></TxDtls>' for number in (1, 2, 3)
    )
    batch = f'<Ntry><Amt Ccy="GBP">6.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK</Sts><NtryDtls>{details}</NtryDtls></Ntry>'
    assert read_file(camt(batch)).matched == 3
    with pytest.raises(MalformedFile, match="sum"):
        read_file(camt(batch.replace("6.00", "6.01"), message_id="M2"))


def test_a_file_is_read_once(paid, tmp_path, capsys):
    content = camt(entry("1.00", refs=ids("E1")))
    path = tmp_path / "camt.xml"
    path.write_bytes(content)
    call_command("reconcile_settlement", str(path))
    assert "1 entries, 1 match the ledger" in capsys.readouterr().out
    call_command("reconcile_settlement", str(path))
    assert "read before" in capsys.readouterr().out
    assert SettlementFile.objects.count() == 1
    path.write_bytes(camt(entry("2.00", refs=ids("E2"))))
    with pytest.raises(CommandError, match="Another file"):
        call_command("reconcile_settlement", str(path))
    with pytest.raises(AlreadyRead):
        read_file(content)
    assert SettlementDifference.objects.count() == 2


def test_a_difference_that_a_later_file_contains_is_settled(paid):
    read_file(camt(entry("1.00", refs=ids("E1")), entry("2.00", refs=ids("E2"))))
    assert found() == {("missing_there", None, -300)}
    assert read_file(camt(message_id="M2")).matched == 0
    assert SettlementDifference.objects.count() == 1  # said once
    assert read_file(camt(entry("3.00", refs=ids("E3")), message_id="M3")).matched == 1
    assert SettlementDifference.objects.get().status == "settled"


def test_a_later_file_settles_a_difference_that_an_officer_has_asked_to_move(paid):
    """Otherwise the second officer would move an amount that both sides have."""
    read_file(camt(entry("1.00", refs=ids("E1")), entry("2.00", refs=ids("E2"))))
    difference = SettlementDifference.objects.get()
    one, another = (oversight.Officer(officer(name, "ask_settlementdifference")) for name in ("one", "another"))
    oversight.ask_to_move(difference.pk, by=one, reason="look")
    read_file(camt(entry("3.00", refs=ids("E3")), message_id="M2"))
    with pytest.raises(NotOpen):
        oversight.move_to_suspense(difference.pk, by=another)
    assert SettlementDifference.objects.get().status == "settled"
    assert suspense() == 0


def test_what_was_moved_comes_back_once_a_later_file_has_it(paid):
    read_file(camt(entry("1.00", refs=ids("E1")), entry("2.00", refs=ids("E2"))))
    one, another = (oversight.Officer(officer(name, "ask_settlementdifference")) for name in ("one", "another"))

    def move():
        difference = SettlementDifference.objects.get(status="open")
        oversight.ask_to_move(difference.pk, by=one, reason="look")
        oversight.move_to_suspense(difference.pk, by=another)
        return difference

    there = move()
    file = read_file(camt(entry("3.00", refs=ids("E3")), message_id="M2"))
    assert (file.matched, found()) == (0, {("missing_there", None, -300), ("missing_here", -300, None)})
    assert move().account == there.account
    assert suspense() == 0
    assert all(one.is_clean for one in audit())


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("0001-01-01T00:00:00", "2026-01-01T00:00:00"),
        ("2026-01-01T00:00:00", "9999-12-31T23:59:59"),
        ("2026-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00"),
        ("0001-01-01T00:00:00+14:00", "2026-01-01T00:00:00Z"),
    ],
)
def test_a_period_beyond_the_calendar_is_refused(first, last):
    period = f"<FrToDt><FrDtTm>{first}</FrDtTm><ToDtTm>{last}</ToDtTm></FrToDt>".encode()
    with pytest.raises(MalformedFile, match="period"):
        read_file(re.sub(rb"<FrToDt>.*</FrToDt>", period, camt()))


def test_two_officers_move_a_difference_to_suspense(paid):
    read_file(camt(entry("1.00", refs=ids("E1")), entry("2.50", refs=ids("E2")), entry("7.00", "CRDT", ids("E7"))))
    one, another = (oversight.Officer(officer(name, "ask_settlementdifference")) for name in ("one", "another"))
    for difference in SettlementDifference.objects.all():
        with pytest.raises(NotOpen):
            oversight.move_to_suspense(difference.pk, by=another)
        oversight.ask_to_move(difference.pk, by=one, reason="look")
        with pytest.raises(SameUser):
            oversight.move_to_suspense(difference.pk, by=one)
        oversight.decline_to_move(difference.pk, by=another, reason="no")
        oversight.ask_to_move(difference.pk, by=one, reason="look")
        oversight.move_to_suspense(difference.pk, by=another)
        with pytest.raises(NotOpen):
            oversight.move_to_suspense(difference.pk, by=another)
    # The file has 0.50 more going out, 7.00 coming in, and not the 3.00 that went out.
    assert suspense() == -50 + 700 + 300
    mirrored = LedgerEntry.objects.filter(account__kind="internal").exclude(account__name__in=["Suspense", "Clearing"])
    assert -sum(mirrored.values_list("amount_minor", flat=True)) == -100 - 250 + 700
    assert AuditEvent.objects.filter(endpoint="bank.difference_moved").count() == 3
    assert all(one.is_clean for one in audit())


def test_a_difference_is_not_moved_for_an_officer_who_has_left(paid):
    read_file(camt(entry("1.00", refs=ids("E1")), entry("2.00", refs=ids("E2"))))
    difference = SettlementDifference.objects.get()
    one, another = officer("one", "ask_settlementdifference"), oversight.Officer(officer("another"))
    oversight.ask_to_move(difference.pk, by=oversight.Officer(one), reason="look")
    one.user_permissions.clear()
    with pytest.raises(RequesterNotAllowed):
        oversight.move_to_suspense(difference.pk, by=another)
    assert oversight.decline_to_move(difference.pk, by=another, reason="Has left").status == "open"


def test_a_difference_is_not_moved_for_an_officer_who_has_access_by_now(paid, current):
    """ISO 27001 A.5.3."""
    read_file(camt(entry("1.00", refs=ids("E1")), entry("2.00", refs=ids("E2"))))
    difference = SettlementDifference.objects.get()
    one, another = officer("one", "ask_settlementdifference"), oversight.Officer(officer("another"))
    oversight.ask_to_move(difference.pk, by=oversight.Officer(one), reason="look")
    AccountAccess.objects.create(account=current, user=one, role="reader")
    with pytest.raises(RequesterHasAccess):
        oversight.move_to_suspense(difference.pk, by=another)
    assert oversight.decline_to_move(difference.pk, by=another, reason="Own money").status == "open"


def test_nobody_decides_about_their_own_money(paid, alice):
    read_file(camt(entry("1.00", refs=ids("E1")), entry("2.00", refs=ids("E2"))))
    difference = SettlementDifference.objects.get()
    with pytest.raises(OwnMoney):
        oversight.ask_to_move(difference.pk, by=oversight.Officer(alice), reason="x")
    with pytest.raises(IntegrityError, match="access"), transaction.atomic():
        SettlementDifference.objects.filter(pk=difference.pk).update(status="asked", asked_by=alice, reason="x")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE settlement_difference SET our_minor = -1",
        "UPDATE settlement_difference SET status = 'moved', asked_by_id = '{one}', decided_by_id = '{another}', reason = 'x', transaction_id = '{paid}'",
        "DELETE FROM settlement_difference",
        "DELETE FROM settlement_match",
        "DELETE FROM settlement_file",
    ],
)
def test_the_worklist_changes_only_as_officers_decide(paid, change):
    read_file(camt(entry("1.00", refs=ids("E1")), entry("2.00", refs=ids("E2"))))
    names = {"one": officer("one").pk, "another": officer("another").pk, "paid": paid[0].transaction_id}
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(**names))


def test_the_database_moves_exactly_the_difference(paid):
    read_file(camt(entry("1.00", refs=ids("E1")), entry("2.00", refs=ids("E2"))))
    difference = SettlementDifference.objects.get()
    oversight.ask_to_move(
        difference.pk, by=oversight.Officer(officer("one", "ask_settlementdifference")), reason="look"
    )
    other_amount = post(
        [(difference.account, -299), (internal_account("GBP", "Suspense"), 299)], description="x", kind="reconciliation"
    )
    another = officer("another")
    for one in (other_amount.pk, paid[0].transaction_id):
        with pytest.raises(IntegrityError, match="does not move"), transaction.atomic():
            SettlementDifference.objects.filter(pk=difference.pk).update(
                status="moved", decided_by=another, decided_at=datetime.now(UTC), transaction=one
            )


def test_one_officer_cannot_do_both_in_the_database(paid):
    read_file(camt(entry("1.00", refs=ids("E1")), entry("2.00", refs=ids("E2"))))
    one, another = officer("one", "ask_settlementdifference"), officer("another")
    difference = SettlementDifference.objects.get()
    oversight.ask_to_move(difference.pk, by=oversight.Officer(one), reason="look")
    oversight.move_to_suspense(difference.pk, by=oversight.Officer(another))
    for status, who in (("asked", None), ("moved", one)):
        with pytest.raises(IntegrityError), transaction.atomic():
            SettlementDifference.objects.filter(pk=difference.pk).update(status=status, decided_by=who)


BALANCE = '<Bal><Tp><CdOrPrtry><Cd>{}</Cd></CdOrPrtry></Tp><Amt Ccy="GBP">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>'


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "well-formed"),
        (b"<a", "well-formed"),
        (camt(head='<!DOCTYPE x [<!ENTITY a "b">]>'), "document type"),
        (camt(head='<!DOCTYPE x SYSTEM "file:///etc/passwd">'), "document type"),
        (b"<Document/>", "camt.053"),
        (camt().replace(b"camt.053", b"camt.054"), "camt.053"),
        (camt().replace(b"<Stmt>", b"<Stmtx>").replace(b"</Stmt>", b"</Stmtx>"), "one statement"),
        (camt().replace(b"FrToDt", b"FrTo"), "period"),
        (camt().replace(b"FrDtTm>2", b"FrDtTm>x"), "period"),
        (camt(message_id=""), "MsgId"),
        (camt(message_id="x" * 36), "35"),
        (camt(entry("1.005")), "minor units"),
        (camt(entry("1e3")), "not an amount"),
        (camt(entry("-1.00")), "not an amount"),
        (camt(entry("99999999999999.00")), "minor units"),
        (camt(entry("1.00", currency="EUR")), "one currency"),
        (camt(entry("1.00", currency="XXX")).replace(b"<Ccy>GBP</Ccy>", b""), "ISO 4217"),
        (camt(entry("1.00", "BOTH")), "CRDT or DBIT"),
        (camt(entry("1.00", refs=ids("é"))), "visible"),
        (
            camt(entry("1.00"), balances=BALANCE.format("OPBD", "10.00") + BALANCE.format("CLBD", "9.01")),
            "closing balance",
        ),
    ],
)
def test_a_file_that_is_no_statement_is_refused_as_a_whole(content, why):
    with pytest.raises(MalformedFile, match=why):
        read_file(content)
    assert not SettlementFile.objects.exists()


def test_balances_and_currencies_are_read_exactly():
    statement = parse(camt(entry("1.10"), balances=BALANCE.format("OPBD", "10.00") + BALANCE.format("CLBD", "8.90")))
    assert [one.amount_minor for one in statement.items] == [-110]
    yen = camt(entry("110", currency="JPY")).replace(b"<Ccy>GBP</Ccy>", b"<Ccy>JPY</Ccy>")
    assert [one.amount_minor for one in parse(yen).items] == [-110]
    dinar = camt(entry("1.105", currency="KWD")).replace(b"<Ccy>GBP</Ccy>", b"")
    assert [one.amount_minor for one in parse(dinar).items] == [-1105]


def test_staff_upload_a_file_and_work_on_the_list(paid):
    reader = browser_of(officer("reader", "read_settlementfile", "ask_settlementdifference"))
    content = camt(entry("1.00", refs=ids("E1")), entry("2.00", refs=ids("E2")))
    upload = "/admin/banking/settlementfile/upload/"
    assert reader.get(upload).status_code == 200
    assert browser_of(officer("nobody")).get(upload).status_code == 403
    page = reader.post(upload, {"file": SimpleUploadedFile("x.xml", b"<a")}).content.decode()
    assert "well-formed" in page
    page = reader.post(upload, {"file": SimpleUploadedFile("x.xml", content)}, follow=True).content.decode()
    assert "The file was read." in page
    page = reader.post(upload, {"file": SimpleUploadedFile("x.xml", content)}).content.decode()
    assert "read before" in page
    assert "M1" in reader.get("/admin/banking/settlementfile/").content.decode()
    difference = SettlementDifference.objects.get()
    assert "-3.00 GBP" in reader.get("/admin/banking/settlementdifference/?status=open").content.decode()
    at = f"/admin/banking/settlementdifference/{difference.pk}"
    assert reader.post(f"{at}/ask/", {"reason": "look"}, follow=True).status_code == 200
    assert reader.post(f"{at}/move/", {"reason": ""}).status_code == 403
    second = browser_of(officer("second", "decide_settlementdifference"))
    assert "has moved" in second.post(f"{at}/move/", {"reason": ""}, follow=True).content.decode()
    assert suspense() == 300


@pytest.mark.django_db(transaction=True)
def test_the_sites_role_reconciles(paid):
    with site_role() as role, connected_as(role):
        read_file(camt(entry("1.00", refs=ids("E1")), entry("2.00", refs=ids("E2"))))
        one, another = (oversight.Officer(officer(name, "ask_settlementdifference")) for name in ("one", "another"))
        difference = SettlementDifference.objects.get()
        oversight.ask_to_move(difference.pk, by=one, reason="look")
        oversight.move_to_suspense(difference.pk, by=another)


def test_incoming_payments_are_matched_by_the_schemes_id(paid, current):
    told = {"creditor_iban": current.iban, "debtor_name": "Dora", "debtor_iban": "DE89370400440532013000"}
    payments.receive_payment(IncomingPayment(message_id="IN1", amount_minor=700, currency="GBP", **told))
    sent = [entry(f"{number}.00", refs=ids(f"E{number}")) for number in (1, 2, 3)]
    file = read_file(camt(*sent, entry("7.00", "CRDT", ids(ours="IN1"))))
    assert (file.matched, found()) == (4, set())
