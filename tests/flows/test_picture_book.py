"""docs/pages.md shows exactly the pages of the site map."""

import os

from tests.lib import picture_book, site_map


def test_the_document_is_of_the_site_map():
    if "PICTURES" in os.environ:  # make screenshots
        picture_book.DOCUMENT.write_text(picture_book.document())
    assert picture_book.DOCUMENT.read_text() == picture_book.document(), "make screenshots"


def test_each_page_has_its_pictures_and_no_other_is_left():
    named = {file for row in site_map.ROWS for file in row.pictures.values()}
    assert named == {file.name for file in picture_book.PICTURES.iterdir()}


def test_everybody_of_the_site_map_has_a_chapter():
    assert {row.who for row in site_map.ROWS} == set(picture_book.CHAPTERS)


def test_the_pictures_are_not_the_heaviest_part_of_a_clone():
    assert sum(file.stat().st_size for file in picture_book.PICTURES.iterdir()) < 3_000_000
