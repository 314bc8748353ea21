"""Converts a picture that a stranger chose to a small PNG.

The picture is decoded and re-encoded, so it has a known size and no metadata, animation or hidden second format. SVG is
refused, because it can contain scripts and links (ASVS 5.0 5.2.6, 1.3.4).
"""

import io
import struct

SIDE_PIXELS = 128
# The limit before decoding, because a file of a few kilobytes can decode to a picture that fills the memory.
MAX_PIXELS = 2048 * 2048
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
# Errors of the decoders for an incomplete or damaged file.
_BROKEN = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)


class NotAPicture(Exception):
    """The message may be shown to the owner of the picture."""


def square_png(content: bytes) -> bytes:
    """The picture, centered in a transparent square of SIDE_PIXELS. Raises NotAPicture."""
    # Import late, because only the background worker needs the decoders.
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as found:
            width, height = found.size
            if width * height > MAX_PIXELS:
                raise NotAPicture(f"the picture has {width} x {height} pixels, and may have {MAX_PIXELS}.")
            picture = ImageOps.contain(ImageOps.exif_transpose(found).convert("RGBA"), (SIDE_PIXELS, SIDE_PIXELS))
    except UnidentifiedImageError:
        raise NotAPicture(f"it is not a picture. It must be one of {', '.join(_FORMATS)}.") from None
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        IndexError,
        struct.error,
        Image.DecompressionBombError,
    ) as error:
        raise NotAPicture("the picture cannot be decoded.") from error
    square = Image.new("RGBA", (SIDE_PIXELS, SIDE_PIXELS))
    square.paste(picture, ((SIDE_PIXELS - picture.width) // 2, (SIDE_PIXELS - picture.height) // 2))
    drawn = io.BytesIO()
    square.save(drawn, "PNG", optimize=True)
    return drawn.getvalue()
