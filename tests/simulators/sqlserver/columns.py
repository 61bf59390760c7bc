"""The columns of RESTORE HEADERONLY and FILELISTONLY, with their types, as Microsoft documents them for SQL Server 2022."""

from __future__ import annotations

from tests.simulators.sqlserver.tds import Column


def _columns(text: str) -> tuple[Column, ...]:
    found = []
    for word in text.split():
        name, _, kind = word.partition(":")
        kind, _, precision = kind.partition(",")
        found.append(Column(name, kind, int(precision or 0)))
    return tuple(found)


HEADER = _columns(
    "BackupName:nvarchar BackupDescription:nvarchar BackupType:smallint ExpirationDate:datetime Compressed:bit"
    " Position:smallint DeviceType:tinyint UserName:nvarchar ServerName:nvarchar DatabaseName:nvarchar"
    " DatabaseVersion:int DatabaseCreationDate:datetime BackupSize:numeric,20 FirstLSN:numeric,25 LastLSN:numeric,25"
    " CheckpointLSN:numeric,25 DatabaseBackupLSN:numeric,25 BackupStartDate:datetime BackupFinishDate:datetime"
    " SortOrder:smallint CodePage:smallint UnicodeLocaleId:int UnicodeComparisonStyle:int CompatibilityLevel:tinyint"
    " SoftwareVendorId:int SoftwareVersionMajor:int SoftwareVersionMinor:int SoftwareVersionBuild:int"
    " MachineName:nvarchar Flags:int BindingID:guid RecoveryForkID:guid Collation:nvarchar FamilyGUID:guid"
    " HasBulkLoggedData:bit IsSnapshot:bit IsReadOnly:bit IsSingleUser:bit HasBackupChecksums:bit IsDamaged:bit"
    " BeginsLogChain:bit HasIncompleteMetaData:bit IsForceOffline:bit IsCopyOnly:bit FirstRecoveryForkID:guid"
    " ForkPointLSN:numeric,25 RecoveryModel:nvarchar DifferentialBaseLSN:numeric,25 DifferentialBaseGUID:guid"
    " BackupTypeDescription:nvarchar BackupSetGUID:guid CompressedBackupSize:bigint containment:tinyint"
    " KeyAlgorithm:nvarchar EncryptorThumbprint:varbinary EncryptorType:nvarchar"
)
FILES = _columns(
    "LogicalName:nvarchar PhysicalName:nvarchar Type:nvarchar FileGroupName:nvarchar Size:numeric,20 MaxSize:numeric,20"
    " FileId:bigint CreateLSN:numeric,25 DropLSN:numeric,25 UniqueId:guid ReadOnlyLSN:numeric,25 ReadWriteLSN:numeric,25"
    " BackupSizeInBytes:bigint SourceBlockSize:int FileGroupId:int LogGroupGUID:guid DifferentialBaseLSN:numeric,25"
    " DifferentialBaseGUID:guid IsReadOnly:bit IsPresent:bit TDEThumbprint:varbinary SnapshotUrl:nvarchar"
)
