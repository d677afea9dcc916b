"""Arrays, models and encoders; nothing here knows of a database."""

import os

# onnxruntime would report its use to its maker from the moment it is imported, and leave a file for that.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
