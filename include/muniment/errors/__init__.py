"""The one error tree.

Every error says what happened, to what, what is safe, and what to do; and whether a retry makes
sense. Texts carry ids, never the name of a client, matter, file or person: they end in logs,
alerts and Airflow's database.

One module for each hundred of codes; all are imported from here.
"""

from __future__ import annotations

from muniment.errors.base import MunimentError, Retry
from muniment.errors.recovery import (
    GivenBackBefore,
    ItemNotDelivered,
    NeverWrittenBack,
    NothingToRestore,
    PlanChanged,
    RestoreError,
    TargetNotEmpty,
    TargetUnusable,
    VerificationFailed,
    WriteBackRefused,
)
from muniment.errors.running import (
    AnswerError,
    CanaryFailed,
    DeliveryError,
    EmbeddedError,
    NotEntitled,
    NoticeRefused,
    UnexpectedError,
)
from muniment.errors.setting import ClockError, ConfigError, KeyFileError, StagingError, StagingGone
from muniment.errors.sources import (
    BackupIncomplete,
    DumpToolUnfit,
    ItemUnreadable,
    SnapshotSuspicious,
    SourceError,
    SourceMissing,
    SourceRefused,
    SourceRestricted,
    SourceSuspect,
    SourceUnavailable,
)
from muniment.errors.stores import (
    BadObjectName,
    ChecksumMismatch,
    LockNotEnforced,
    ObjectExists,
    ObjectMissing,
    ObjectUnreadable,
    StoreDenied,
    StoreError,
    StoreUnavailable,
    StoreUnsuitable,
)
from muniment.errors.vault import (
    CommitConflict,
    FormatError,
    IntegrityError,
    NoKey,
    RunTooOld,
    SealError,
    SignatureError,
    SuspicionOpen,
    TrustError,
    VaultError,
)

__all__ = [
    "AnswerError",
    "BackupIncomplete",
    "BadObjectName",
    "CanaryFailed",
    "ChecksumMismatch",
    "ClockError",
    "CommitConflict",
    "ConfigError",
    "DeliveryError",
    "DumpToolUnfit",
    "EmbeddedError",
    "FormatError",
    "GivenBackBefore",
    "IntegrityError",
    "ItemNotDelivered",
    "ItemUnreadable",
    "KeyFileError",
    "LockNotEnforced",
    "MunimentError",
    "NeverWrittenBack",
    "NoKey",
    "NotEntitled",
    "NothingToRestore",
    "NoticeRefused",
    "ObjectExists",
    "ObjectMissing",
    "ObjectUnreadable",
    "PlanChanged",
    "RestoreError",
    "Retry",
    "RunTooOld",
    "SealError",
    "SignatureError",
    "SnapshotSuspicious",
    "SourceError",
    "SourceMissing",
    "SourceRefused",
    "SourceRestricted",
    "SourceSuspect",
    "SourceUnavailable",
    "StagingError",
    "StagingGone",
    "StoreDenied",
    "StoreError",
    "StoreUnavailable",
    "StoreUnsuitable",
    "SuspicionOpen",
    "TargetNotEmpty",
    "TargetUnusable",
    "TrustError",
    "UnexpectedError",
    "VaultError",
    "VerificationFailed",
    "WriteBackRefused",
]
