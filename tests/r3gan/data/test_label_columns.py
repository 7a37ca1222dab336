"""Columns of labels and images are found under other names where one alone can be meant; what is ignored is said."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r3gan.data.errors import BadData
from r3gan.data.label_columns import is_label_name, labels_of_values, same_partition
from r3gan.data.recognise import open_source
from r3gan.data.sources import Columns
from r3gan.data.table_text import csv_rows
from tests.r3gan.conftest import CLASS_NAMES, as_folder, class_files, encode, flat_files, imagenet_files, prepared_error

ENCODED: dict = {}
LABEL_NAMES = ("label", "labels", "fine_label", "coarse_label", "class", "Class", "class_id", "classId", "target")
LABEL_NAMES += ("category", "categoryId", "label-name")
OTHER_NAMES = ("id", "text", "caption", "num_classes", "label_path", "classification_score", "year", "mask", "image")


def parquet(crops, columns, features=None, image="image"):
    """A parquet file of the crops with columns beside the images, and the features of Hugging Face's datasets."""
    images = ENCODED.setdefault("images", [{"bytes": encode(i), "path": None} for i in crops.images])
    table = pa.table({image: images} | columns)
    if features is not None:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


@pytest.fixture
def source(crops, tmp_path):
    def source(columns, features=None, label=None, **options):
        path = as_folder(tmp_path / "set", {"a.parquet": parquet(crops, columns, features, **options)})
        return open_source([path], columns=Columns(label))

    return source


def class_label(*names):
    return {"_type": "ClassLabel", "names": list(names)}


@pytest.mark.parametrize(
    "name",
    [
        "label",
        "labels",
        "fine_label",
        "coarse_label",
        "class",
        "Class",
        "class_id",
        "classId",
        "target",
        "category",
        "categoryId",
        "label-name",
    ],
)
def test_names_of_label_columns(name):
    assert is_label_name(name)


@pytest.mark.parametrize(
    "name", ["id", "text", "caption", "num_classes", "label_path", "classification_score", "year", "mask", "image"]
)
def test_names_of_other_columns(name):
    assert not is_label_name(name)


@pytest.mark.parametrize("name", ["labels", "fine_label", "class", "target", "category"])
def test_the_only_column_of_labels_is_taken_whatever_its_name(name, crops, source):
    found = source({name: crops.labels, "id": np.arange(48), "caption": ["x"] * 48})
    assert found.labels.tolist() == crops.labels.tolist()
    assert found.notes == (f"labels from column {name}", "columns that are ignored: id, caption")


def test_two_columns_that_differ_need_a_decision(crops, source):
    columns = {"fine_label": np.arange(48) % 3, "coarse_label": crops.labels}
    with pytest.raises(BadData, match=r"fine_label, coarse_label.*--label-column NAME"):
        source(columns)
    found = source(columns, label="coarse_label")
    assert found.labels.tolist() == crops.labels.tolist()
    assert "columns that are ignored: fine_label" in found.notes
    with pytest.raises(BadData, match="has no column 'color', only image, fine_label, coarse_label"):
        source(columns, label="color")
    with pytest.raises(BadData, match="'image' does not hold labels"):
        source(columns, label="image")


@pytest.mark.parametrize("numbers_first", [True, False])
def test_a_column_of_names_beside_numbers_names_the_classes(numbers_first, crops, source):
    names = [("flower", "china")[i] for i in crops.labels]
    columns = {"label": crops.labels, "label_name": names}
    found = source(columns if numbers_first else dict(reversed(columns.items())))
    assert found.labels.tolist() == crops.labels.tolist()
    assert found.class_names == ("flower", "china")


def test_names_alone_are_numbered_in_their_order(crops, source):
    found = source({"category": [("zebra", "ant")[i] for i in crops.labels]})
    assert found.labels.tolist() == (1 - crops.labels).tolist()
    assert found.class_names == ("ant", "zebra")


def test_the_schema_tells_names_and_makes_any_column_one_of_labels(crops, source):
    found = source({"species": crops.labels}, {"species": class_label("x", "y", "z"), "image": {"_type": "Image"}})
    assert found.labels.tolist() == crops.labels.tolist()
    assert found.class_names == ("x", "y")
    typed = {"artist": class_label("a", "b"), "style": class_label("c", "d", "e")}
    with pytest.raises(BadData, match="artist, style"):
        source({"artist": crops.labels, "style": np.arange(48) % 3}, typed)
    with pytest.raises(BadData, match="the label 2, but only 2 classes are named"):
        source({"label": np.arange(48) % 3}, {"label": class_label("a", "b")})


@pytest.mark.parametrize("metadata", ["{", "[]", '{"info": 1}', '{"info": {"features": {"label": 1}}}'])
def test_a_schema_of_another_make_names_nothing(metadata, crops, tmp_path):
    table = pq.read_table(io.BytesIO(parquet(crops, {"label": crops.labels})))
    pq.write_table(table.replace_schema_metadata({"huggingface": metadata}), tmp_path / "a.parquet")
    assert open_source([tmp_path / "a.parquet"]).class_names == ()


def test_columns_of_other_types_hold_no_labels(crops, source):
    found = source({"labels": [[1, 2]] * 48, "class_score": np.linspace(0, 1, 48), "target": np.linspace(0, 1, 48)})
    assert found.labels is None
    assert found.notes == ("columns that are ignored: labels, class_score, target",)


def test_a_column_that_is_a_dictionary_or_a_truth_value(crops, source):
    names = pa.array([CLASS_NAMES[i] for i in crops.labels]).dictionary_encode()
    assert source({"label": names}).class_names == CLASS_NAMES
    assert source({"label": crops.labels.astype(bool)}).class_names == ("False", "True")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a", None, "b"], "column label: image 1 has None, no name of a class"),
        (["a", " ", "b"], "image 1 has ' ', no name of a class"),
        ([0, None], "label None of image 1 is not a whole number"),
        ([0, -1], "label -1 of image 1 is out of range.*--labels none leaves"),
        (["a", 1], "image 1 has 1, no name of a class"),
        (["a", "a"], "all 2 labels are 0"),
    ],
)
def test_images_without_a_class_are_named(values, message):
    with pytest.raises(BadData, match=message):
        labels_of_values(values, (), "label", "here")


def test_numbers_written_as_text_are_numbers():
    assert labels_of_values(["10", "2"], (), "label", "here").values.tolist() == [10, 2]


def test_labellings_agree_if_they_put_the_same_images_together():
    assert same_partition([0, 1, 0], ["b", "a", "b"])
    assert not same_partition([0, 1, 0], ["b", "b", "b"])
    assert not same_partition([0, 0, 0], ["b", "a", "b"])


@pytest.mark.parametrize("name", ["img", "picture", "photo", "x"])
def test_the_only_column_of_images_is_taken_whatever_its_name(name, crops, source):
    assert len(source({"label": crops.labels}, image=name)) == 48


def test_of_several_columns_of_images_the_one_named_so_is_taken(crops, tmp_path):
    masks = [{"bytes": b"x", "path": None}] * 48
    path = as_folder(tmp_path / "set", {"a.parquet": parquet(crops, {"mask": masks})})
    source = open_source([path])
    assert next(source.items(0)).data != b"x"
    assert source.notes == ("columns that are ignored: mask",)
    assert next(open_source([path], columns=Columns(None, "mask")).items(0)).data == b"x"
    with pytest.raises(BadData, match="has no column 'masks', only image, mask"):
        open_source([path], columns=Columns(None, "masks"))
    path = as_folder(tmp_path / "two", {"a.parquet": parquet(crops, {"img": masks})})
    assert "image, img" in (message := prepared_error(path, tmp_path / "out"))
    assert "--image-column NAME" in message


def csv_of(files, labels, header="file_name,label"):
    rows = [f"{name},{label}" for name, label in zip(files, labels, strict=True)]
    return ("\ufeff" + "\r\n".join([header, *rows]) + "\r\n").encode()


def jsonl_of(files, labels):
    return "\n".join(
        json.dumps({"file_name": f"./{n}", "label": v}) for n, v in zip(files, labels, strict=True)
    ).encode()


@pytest.mark.parametrize("table", ["csv", "jsonl"])
@pytest.mark.parametrize("folder", ["", "train/"])
def test_a_table_beside_images_gives_labels(table, folder, crops, tmp_path):
    files, names = flat_files(crops), [CLASS_NAMES[i] for i in crops.labels]
    written = {"csv": csv_of, "jsonl": jsonl_of}[table](files, names)
    inside = {folder + name: data for name, data in files.items()} | {f"{folder}metadata.{table}": written}
    if folder:
        inside |= {"test/x.png": files["0000.png"], "test/metadata.csv": csv_of(["x.png"], ["china"])}
    source = open_source([as_folder(tmp_path / "x", inside)])
    assert source.labels.tolist() == crops.labels.tolist()
    assert source.class_names == CLASS_NAMES
    assert "labels from column label" in source.notes


def test_a_table_at_the_root_may_name_all_splits(crops, tmp_path):
    files = {f"{split}/{name}": data for split in ("train", "test") for name, data in flat_files(crops).items()}
    table = csv_of(files, [*crops.labels, *crops.labels])
    source = open_source([as_folder(tmp_path / "x", files | {"metadata.csv": table})])
    assert source.labels.tolist() == crops.labels.tolist()


def test_a_table_without_labels_leaves_class_folders_their_say(crops, tmp_path):
    files = class_files(crops)
    table = csv_of(files, ["a caption"] * 48, "file_name,text")
    source = open_source([as_folder(tmp_path / "x", files | {"metadata.csv": table})])
    assert source.class_names == CLASS_NAMES
    assert any("metadata.csv that are ignored: text" in note for note in source.notes)


def test_a_table_that_contradicts_class_folders_needs_a_decision(crops, tmp_path):
    files = class_files(crops)
    path = as_folder(tmp_path / "x", files | {"metadata.csv": csv_of(files, np.arange(48) % 3)})
    message = prepared_error(path, tmp_path / "set")
    assert "metadata.csv gives other labels than the class folders" in message
    assert open_source([path], "file").labels.tolist() == [i % 3 for i in range(48)]
    assert open_source([path], "folders").labels.tolist() == crops.labels.tolist()


def test_a_column_of_a_table_can_be_asked_for(crops, tmp_path):
    files = flat_files(crops)
    rows = [f"{name},{i % 3},{label}" for i, (name, label) in enumerate(zip(files, crops.labels, strict=True))]
    table = "\n".join(["file_name,fine_label,genre", *rows]).encode()
    path = as_folder(tmp_path / "x", files | {"metadata.csv": table})
    assert open_source([path]).labels.tolist() == [i % 3 for i in range(48)]
    assert open_source([path], columns=Columns("genre")).labels.tolist() == crops.labels.tolist()
    with pytest.raises(BadData, match="has no column 'style', only fine_label, genre"):
        open_source([path], columns=Columns("style"))


@pytest.mark.parametrize("mode", ["auto", "folders", "none"])
def test_a_column_cannot_be_asked_of_what_has_none(mode, crops, tmp_path):
    with pytest.raises(BadData, match="--label-column genre"):
        open_source([as_folder(tmp_path / "x", class_files(crops))], mode, Columns("genre"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.replace(b"0003.png,0\r\n", b""), "no row for 1 of 48 images, such as 0003.png"),
        (lambda t: t + b"gone.png,1\r\n", "a row for gone.png, which is not there"),
        (lambda t: t + b"0003.png,1\r\n", "two rows for 0003.png"),
        (lambda t: t + b"0003.png\r\n", "row 49 has 1 cells, divided by commas; the first line names 2"),
        (lambda t: t + b"../x.png,1\r\n", r"row 49: '../x.png' in the column 'file_name' is no name"),
        (lambda t: t.replace(b"file_name", b"path"), "names no column 'file_name' in its first line, only path, label"),
        (lambda t: b"", "names no column 'file_name' in its first line, only nothing"),
        (lambda t: t.replace(b"label", b"file_name"), "names the column 'file_name' twice"),
        (lambda t: b"\xff\xfe" + t[:201], "no text in UTF-16-LE"),
        (lambda t: t.replace(b"0003.png,0", b'0003.png,"0"1'), "line 5 cannot be read as cells of a table"),
        (
            lambda t: t.replace(b"0003.png,0", "0003.png,käse".encode("cp1252")),
            "line 5 has the byte 0xe4, which is no text in UTF-8: if it is in another encoding, such as Windows-1252",
        ),
        (lambda t: t.decode("utf-8-sig").encode("utf-16-le"), "has zero bytes, as UTF-16 without a byte-order mark"),
        (lambda t: t.replace(b"0003.png,0", b"0003.png,"), "image 3 has '', no name of a class"),
    ],
)
def test_tables_that_cannot_be(change, message, crops, tmp_path):
    files = flat_files(crops)
    path = as_folder(tmp_path / "x", files | {"metadata.csv": change(csv_of(files, crops.labels))})
    found = prepared_error(path, tmp_path / "set")
    assert message in found
    assert "metadata.csv" in found


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_table_is_read_with_any_separator_and_any_encoding_that_marks_itself(separator, encoding, crops, tmp_path):
    files, names = flat_files(crops), ["Käse, roh" if i else "a;\t,b" for i in crops.labels]
    rows = [f'{name}{separator}"{label}"' for name, label in zip(files, names, strict=True)]
    text = "\r\n".join(["", f"file_name{separator}label", *rows])
    source = open_source([as_folder(tmp_path / "x", files | {"metadata.csv": text.encode(encoding)})])
    assert source.class_names == ("Käse, roh", "a;\t,b")
    assert source.labels.tolist() == (1 - crops.labels).tolist()


@pytest.mark.parametrize(
    ("first", "columns"),
    [
        ("a;b,file_name,c", ["a;b", "file_name", "c"]),
        ("x,y;file_name", ["x,y", "file_name"]),
        ("file_name", ["file_name"]),
    ],
)
def test_the_separator_is_known_by_the_column_of_file_names(first, columns):
    (row,) = csv_rows(f"{first}\n{first}", "file_name", "here")
    assert list(row) == columns


@pytest.mark.parametrize("text", [b"{", b"[1]", b"[" * 200_000])
def test_lines_that_are_no_objects_are_named(text, crops, tmp_path):
    path = as_folder(tmp_path / "x", flat_files(crops) | {"metadata.jsonl": text})
    assert "metadata.jsonl, line 1 is no" in prepared_error(path, tmp_path / "set").replace("not", "no")


def test_two_tables_of_labels_must_agree(crops, tmp_path):
    files = flat_files(crops)
    both = {"metadata.csv": csv_of(files, crops.labels), "metadata.jsonl": jsonl_of(files, crops.labels.tolist())}
    assert "both have a row for" in prepared_error(as_folder(tmp_path / "x", files | both), tmp_path / "set")
    pairs = [[name, int(i)] for name, i in zip(files, 1 - crops.labels, strict=True)]
    table = {"dataset.json": json.dumps({"labels": pairs}).encode()}
    names = {"metadata.csv": csv_of(files, [CLASS_NAMES[i] for i in crops.labels])}
    source = open_source([as_folder(tmp_path / "y", files | table | names)])
    assert source.class_names == CLASS_NAMES[::-1]
    pairs[0][1] = 0
    table = {"dataset.json": json.dumps({"labels": pairs}).encode()}
    assert "give other labels" in prepared_error(as_folder(tmp_path / "y", files | table | names), tmp_path / "set")


def test_other_tables_beside_images_are_said_not_to_be_used(crops, tmp_path):
    source = open_source([as_folder(tmp_path / "x", flat_files(crops) | {"labels.csv": b"", "b.json": b""})])
    assert source.notes == ("not used: b.json, labels.csv",)


def test_columns_cannot_be_asked_of_what_has_none_at_all(crops, tmp_path):
    batches = as_folder(tmp_path / "batches", imagenet_files(crops))
    for columns in (Columns("x"), Columns(None, "x")):
        with pytest.raises(BadData, match="has no columns: leave --label-column"):
            open_source([batches], columns=columns)
    with pytest.raises(BadData, match="image files, not a column of images: leave --image-column out"):
        open_source([as_folder(tmp_path / "x", class_files(crops))], columns=Columns(None, "x"))


def test_a_column_of_labels_and_no_labels_contradict_each_other(crops, tmp_path):
    path = as_folder(tmp_path / "set", {"a.parquet": parquet(crops, {"label": crops.labels})})
    with pytest.raises(BadData, match="--label-column label and --labels none contradict"):
        open_source([path], "none", Columns("label"))


def test_a_column_that_holds_no_images_is_not_taken_for_them(crops, tmp_path):
    path = as_folder(tmp_path / "set", {"a.parquet": parquet(crops, {"label": crops.labels})})
    with pytest.raises(BadData, match="the column 'label' does not hold images"):
        open_source([path], columns=Columns(None, "label"))


def test_labels_of_a_file_need_one(crops, tmp_path):
    path = as_folder(tmp_path / "x", class_files(crops))
    with pytest.raises(BadData, match=r"has no dataset\.json and no metadata\.csv or metadata\.jsonl with labels"):
        open_source([path], "file")


def test_a_class_without_an_image_leaves_the_others_without_names(crops, source):
    found = source({"label": crops.labels * 2, "label_name": [CLASS_NAMES[i] for i in crops.labels]})
    assert (found.labels.max(), found.class_names) == (2, ())
