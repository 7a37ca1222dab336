"""What a file is that was taken for an image, by its first bytes."""

import codecs

SIGNATURES = (
    (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image, which is not read: convert it to PNG"),
    (b"\xff\x0a", "a JPEG XL image, which is not read: convert it to PNG"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 image, which is not read: convert it to PNG"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image, which is not read: convert it to PNG"),
    (b"8BPS", "a Photoshop file, which is not read: convert it to PNG"),
    (b"P5\n", "a PGM image, which is not read: convert it to PNG"),
    (b"P6\n", "a PPM image, which is not read: convert it to PNG"),
    (b"%PDF", "a PDF, no image"),
    (b"PK\x03\x04", "a zip archive, no image"),
    (b"\x1f\x8b", "compressed with gzip: unpack it"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the image itself: git lfs pull fetches it"),
)
BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "HEIC"),
    **dict.fromkeys((b"mif1", b"msf1"), "HEIF"),
}
HTML = (b"<!doctype html", b"<html")
HOW_TO_CONVERT = {
    "AVIF": "convert it to PNG, as `avifdec IMAGE.avif IMAGE.png` does",
    "HEIC": "convert it to PNG or JPEG, as `heif-convert IMAGE.heic IMAGE.png` does",
    "HEIF": "convert it to PNG or JPEG, as `heif-convert IMAGE.heif IMAGE.png` does",
}


def kind_of(data: bytes) -> str | None:
    """The kind of file, in words, with the way out; None if it is unknown."""
    if not data:
        return "empty"
    if not data.strip(b"\0"):
        return f"{len(data)} zero bytes: was a download or a copy interrupted?"
    if data[4:8] == b"ftyp" and data[8:12] in BRANDS:
        kind = BRANDS[data[8:12]]
        return f"{kind}, whatever its name, which is not read: {HOW_TO_CONVERT[kind]}"
    if data[4:8] == b"ftyp":
        return "a film, or another file of the MP4 family, no image"
    if data.removeprefix(codecs.BOM_UTF8).lstrip().lower().startswith(HTML):
        return "a web page, no image: was it downloaded in place of one?"
    known = next((words for signature, words in SIGNATURES if data.startswith(signature)), None)
    return known or ("text, no image" if _is_text(data[:256]) else None)


def _is_text(begin: bytes) -> bool:
    """Whether a file that begins so is text in UTF-8; the last letter may be cut."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(begin)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter.isspace() for letter in text)
