"""Pictures and PDFs that people send, made safe: what they are is read from their content, never from a name or header.

A picture is decoded and written anew, so that location, camera and anything hidden behind the pixels is gone. A PDF is
parsed; its information and XMP metadata are dropped, scripts and embedded files refuse it. Raises Refused, in words.
"""

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import Invalid

MAX_BYTES = 8 * 1024 * 1024
MAX_PIXELS = 50_000_000  # More would be a bomb: a few kilobytes that unpack to gigabytes.
LONGEST_SIDE = 3000
MAX_PAGES = 20
PICTURES = ("JPEG", "PNG", "WEBP")


class Refused(Invalid):
    """The file cannot be taken; the detail says what would be."""

    code = "file_refused"
    title = "This file cannot be taken."


@dataclass(frozen=True)
class Clean:
    """What may be stored. `left` names what could not be removed from it, usually nothing."""

    content: bytes
    mimetype: str
    suffix: str
    left: str = ""


def clean(
    content: bytes, *, pdf: bool = True, as_png: bool = False, longest_side: int = LONGEST_SIDE
) -> Clean:
    """The file as it may be stored. Raises Refused for anything but a picture (JPEG, PNG, WebP) or, if `pdf`, a PDF."""
    if not content:
        raise Refused("The file is empty.")
    if len(content) > MAX_BYTES:
        raise Refused("The file is larger than 8 MB.")
    if content.lstrip()[:5] == b"%PDF-":
        if pdf:
            return _pdf(content.lstrip())
        raise Refused("Please send a picture (JPEG, PNG or WebP), not a PDF.")
    return _picture(content, longest_side=longest_side, as_png=as_png)


def _picture(content: bytes, *, longest_side: int, as_png: bool) -> Clean:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(content), formats=PICTURES)
            if opened.width * opened.height > MAX_PIXELS:
                raise Refused("The picture has too many pixels. A screenshot is enough.")
            upright = ImageOps.exif_transpose(opened)
            upright.thumbnail((longest_side, longest_side))
    except UnidentifiedImageError:
        raise Refused("Please send a picture (JPEG, PNG or WebP) or a PDF.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused("The picture cannot be read. Please take another screenshot.") from None
    return _written(upright, lossless=as_png or opened.format == "PNG")


def _written(picture: Image.Image, *, lossless: bool) -> Clean:
    """The pixels alone, in a new file."""
    bare = Image.new("RGB", picture.size, "white")
    alpha = picture.convert("RGBA")
    bare.paste(alpha, mask=alpha.getchannel("A"))
    out = io.BytesIO()
    if lossless:
        bare.save(out, "PNG", optimize=True)
        return Clean(out.getvalue(), "image/png", ".png")
    bare.save(out, "JPEG", quality=85, optimize=True)
    return Clean(out.getvalue(), "image/jpeg", ".jpg")


def _pdf(content: bytes) -> Clean:
    from pypdf import PdfReader, PdfWriter  # half a megabyte of code, for those who send one
    from pypdf.errors import PyPdfError

    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted:
            raise Refused("The PDF is locked with a password. Please send a screenshot instead.")
        if not 0 < len(reader.pages) <= MAX_PAGES:
            raise Refused(f"The PDF must have between 1 and {MAX_PAGES} pages.")
        writer = PdfWriter()
        for page in reader.pages:
            writer.add_page(page)
            for key in ("/Annots", "/AA", "/Metadata", "/PieceInfo"):
                writer.pages[-1].pop(key, None)  # links, scripts and attachments hang there
        writer.metadata = None
        out = io.BytesIO()
        writer.write(out)
    except (PyPdfError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError):
        raise Refused("The PDF cannot be read. Please send a screenshot instead.") from None
    return Clean(out.getvalue(), "application/pdf", ".pdf", left="pictures inside the PDF may hold metadata")
