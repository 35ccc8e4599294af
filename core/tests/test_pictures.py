"""Uploads are what their content says, and lose what they tell beside it."""

import io

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import Link
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from core import pictures, uploads


def image(*, format="JPEG", size=(60, 40), exif=None):
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, format, **({"exif": exif} if exif else {}))
    return out.getvalue()


def pdf(*, pages=1, password="", text="secret author"):
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(100, 100)
    writer.add_metadata({"/Author": text})
    script = {
        NameObject("/S"): NameObject("/JavaScript"),
        NameObject("/JS"): TextStringObject("app.alert(1)"),
    }
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(script)
    writer.add_attachment("note.txt", b"hidden")
    if pages:
        writer.add_annotation(0, Link(rect=(0, 0, 9, 9), url="https://example.com"))
    if password:
        writer.encrypt(password)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_picture_loses_place_and_camera_and_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8825)[1] = "N"
    clean = pictures.clean(image(exif=exif) + b"hidden after the end")
    again = Image.open(io.BytesIO(clean.content))
    assert (clean.mimetype, clean.suffix, again.size) == ("image/jpeg", ".jpg", (40, 60))
    assert not dict(again.getexif())
    assert b"hidden" not in clean.content
    assert b"A camera" not in clean.content
    assert pictures.clean(image(format="WEBP", size=(4000, 10))).mimetype == "image/jpeg"
    assert pictures.clean(image(format="PNG")).mimetype == "image/png"


def test_a_pdf_loses_author_scripts_links_and_attachments():
    clean = pictures.clean(pdf(pages=2))
    reader = PdfReader(io.BytesIO(clean.content))
    assert (clean.mimetype, len(reader.pages)) == ("application/pdf", 2)
    assert not reader.attachments
    assert not {"/Names", "/OpenAction"} & set(reader.root_object)
    assert all("/Annots" not in page for page in reader.pages)
    for words in (b"secret author", b"app.alert", b"hidden", b"example.com"):
        assert words not in clean.content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ a program",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        image(format="GIF"),
        image()[:200],
        b"%PDF-1.7 nothing else",
        pdf(password="locked"),
        pdf(pages=21),
        b"x" * (pictures.MAX_BYTES + 1),
    ],
    ids=["empty", "program", "svg", "gif", "cut", "no pdf", "locked", "long", "large"],
)
def test_what_is_no_picture_or_pdf_is_refused_in_words(content):
    with pytest.raises(pictures.Refused) as refused:
        pictures.clean(content)
    assert refused.value.detail.endswith(".")


def test_a_picture_is_asked_for_where_a_pdf_will_not_do():
    with pytest.raises(pictures.Refused, match="not a PDF"):
        pictures.clean(pdf(), pdf=False)


def test_names_are_our_own_and_the_storage_has_no_address():
    first, second = (uploads.new_name(folder="proofs", suffix=".png") for _ in range(2))
    assert first != second
    assert first.startswith("proofs/")
    with pytest.raises(ValueError, match="no address"):
        uploads.storage().url(first)
