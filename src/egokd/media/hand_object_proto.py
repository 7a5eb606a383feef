"""The message format of the official EPIC-KITCHENS-100 hand-object detections, built without generated code.

A detection file is a pickle of `list[bytes]`; element i is a serialised `Detections` message (proto3) of frame
i + 1. Field numbers and enumerations follow the published description of the files. proto3 leaves out fields
that are zero, so contact state 0 (none) and side 0 (left) are absent on the wire.
"""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "model.detections"
FLOAT, INT32 = descriptor_pb2.FieldDescriptorProto.TYPE_FLOAT, descriptor_pb2.FieldDescriptorProto.TYPE_INT32
STRING, ENUM = descriptor_pb2.FieldDescriptorProto.TYPE_STRING, descriptor_pb2.FieldDescriptorProto.TYPE_ENUM
MESSAGE = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
STATES = ("NO_CONTACT", "SELF_CONTACT", "ANOTHER_PERSON", "PORTABLE_OBJECT", "STATIONARY_OBJECT")
SIDES = ("LEFT", "RIGHT")
# message: (field name, number, type, name of the message or enumeration, repeated)
MESSAGES = {
    "FloatVector": (("x", 1, FLOAT, "", False), ("y", 2, FLOAT, "", False)),
    "BBox": tuple((name, i + 1, FLOAT, "", False) for i, name in enumerate(("left", "top", "right", "bottom"))),
    "HandDetection": (
        ("bbox", 1, MESSAGE, "BBox", False),
        ("score", 2, FLOAT, "", False),
        ("state", 3, ENUM, "HandDetection.HandState", False),
        ("object_offset", 4, MESSAGE, "FloatVector", False),
        ("side", 5, ENUM, "HandDetection.HandSide", False),
    ),
    "ObjectDetection": (("bbox", 1, MESSAGE, "BBox", False), ("score", 2, FLOAT, "", False)),
    "Detections": (
        ("video_id", 1, STRING, "", False),
        ("frame_number", 2, INT32, "", False),
        ("hands", 3, MESSAGE, "HandDetection", True),
        ("objects", 4, MESSAGE, "ObjectDetection", True),
    ),
}


@cache
def detections_class() -> Any:
    """The message class `Detections`: `detections_class().FromString(data)`, `message.SerializeToString()`."""
    file = descriptor_pb2.FileDescriptorProto(name="egokd/hand_object.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, other, repeated in fields:
            entry = message.field.add(name=field, number=number, type=kind)
            entry.label = entry.LABEL_REPEATED if repeated else entry.LABEL_OPTIONAL
            if other:
                entry.type_name = f".{PACKAGE}.{other}"
        if name == "HandDetection":
            for enum, values in (("HandState", STATES), ("HandSide", SIDES)):
                listing = message.enum_type.add(name=enum)
                for number, value in enumerate(values):
                    listing.value.add(name=value, number=number)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.Detections"))
