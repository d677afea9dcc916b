"""Uploaded files: Streamlit keeps them in memory for as long as the tab is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit.runtime.scriptrunner import get_script_run_ctx

if TYPE_CHECKING:
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFile


def release(file: UploadedFile) -> None:
    """Free the memory of a file that is not needed any more, and its share of what a person may upload."""
    context = get_script_run_ctx()
    if context is not None:
        manager: MemoryUploadedFileManager = context.uploaded_file_mgr  # type: ignore[assignment]
        manager.remove_file(context.session_id, file.file_id)
