"""Fetches that anybody can cause leave threads of a process for other requests."""

from django.core.management import load_command_class

from oauth.clients.registration import metadata_document


def test_slow_metadata_documents_leave_half_of_the_threads():
    parser = load_command_class("config", "serve").create_parser("manage.py", "serve")
    assert parser.get_default("threads") / 2 >= metadata_document.MOST_FETCHES


def test_one_more_document_is_not_waited_for(db, monkeypatch):
    fetched = []
    monkeypatch.setattr(metadata_document, "_fetch", lambda client_id, known: fetched.append(client_id))
    for _ in range(metadata_document.MOST_FETCHES):
        assert metadata_document._FETCHES.acquire(blocking=False)
    try:
        assert metadata_document.current_client("https://app.example/client") is None
    finally:
        for _ in range(metadata_document.MOST_FETCHES):
            metadata_document._FETCHES.release()
    assert not fetched
