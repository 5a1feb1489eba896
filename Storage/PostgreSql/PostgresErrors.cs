using System.Net.Sockets;
using FleetMdm.Storage.GroupCommit;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>What a failure means for the one who repeats or gives up; classes of SQLSTATE as PostgreSQL documents them.
/// <see href="https://www.postgresql.org/docs/current/errcodes-appendix.html"/></summary>
internal static class PostgresErrors
{
    public static FailureKind Classify(Exception exception) => exception switch
    {
        PostgresException postgres => OfState(postgres.SqlState),
        NpgsqlException or IOException or SocketException or TimeoutException or OperationCanceledException => FailureKind.Transient,
        StoreUnavailableException => FailureKind.Lasting,
        // What Npgsql cannot even send: the row is to blame.
        _ => FailureKind.Data,
    };

    private static FailureKind OfState(string state) => state[..2] switch
    {
        // Data exception; integrity constraint violation; program limit exceeded (a key too long for its index).
        "22" or "23" or "54" => FailureKind.Data,
        // Connection; rolled back (serialization, deadlock); resources; operator intervention; system error. 25006: a standby.
        "08" or "40" or "53" or "57" or "58" or "25" => FailureKind.Transient,
        // A lock that could not be had in time.
        "55" => FailureKind.Transient,
        // No such table, no right, wrong password, no such database, an internal error.
        _ => FailureKind.Lasting,
    };
}
