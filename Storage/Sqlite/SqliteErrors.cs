using FleetMdm.Storage.GroupCommit;
using Microsoft.Data.Sqlite;

namespace FleetMdm.Storage.Sqlite;

/// <summary>What a failure means for the one who repeats or gives up. <see href="https://www.sqlite.org/rescode.html"/></summary>
internal static class SqliteErrors
{
    private const int Busy = 5;
    private const int Locked = 6;
    private const int NoMemory = 7;
    private const int ReadOnly = 8;
    private const int Interrupted = 9;
    private const int InputOutput = 10;
    private const int Full = 13;
    private const int CannotOpen = 14;
    private const int TooBig = 18;
    private const int Constraint = 19;
    private const int Mismatch = 20;

    public static FailureKind Classify(Exception exception) => exception switch
    {
        SqliteException sqlite => sqlite.SqliteErrorCode switch
        {
            Busy or Locked or NoMemory or ReadOnly or Interrupted or InputOutput or Full or CannotOpen => FailureKind.Transient,
            TooBig or Constraint or Mismatch => FailureKind.Data,
            _ => FailureKind.Lasting,
        },
        IOException or TimeoutException or OperationCanceledException => FailureKind.Transient,
        StoreUnavailableException => FailureKind.Lasting,
        _ => FailureKind.Data,
    };
}
