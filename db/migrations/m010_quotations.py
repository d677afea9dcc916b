"""Quotations of forgotten diaries go out of the audit log's details and out of the dictionary, too."""

STATEMENTS = (
    "drop trigger audit_log_stays",
    """
    create trigger audit_log_stays before update on audit_log when not exists (select 1 from forgetting)
    begin select raise(abort, 'the audit log is only added to'); end
    """,
    "drop trigger word_emotions_last",
    """
    create trigger word_emotions_last before delete on word_emotions when not exists (select 1 from forgetting)
    begin select raise(abort, 'word_emotions are only added to'); end
    """,
)
