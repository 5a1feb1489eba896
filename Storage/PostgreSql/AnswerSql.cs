using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>An iPad's answer with what it tells.</summary>
/// <param name="WriteId">Of the change of its enrolment that it came within; null: it came by itself.</param>
internal readonly record struct Answered(QueueFinish Finish, Guid? WriteId);

/// <summary>A statement over what answers tell: for those that came by themselves, and for those that came within a change of their enrolment, which speak only
/// where this transaction has written the change.</summary>
internal sealed record AnswerSql(string Alone, string WithinChange)
{
    private const string Passed = " AND EXISTS (SELECT 1 FROM devices e WHERE e.id = i.device_id AND e.write_id = i.write_id AND e.xmin = pg_current_xact_id()::xid)";

    /// <param name="arrays">How many there are; that of the changes' ids follows them.</param>
    /// <param name="sql">From the arrays of unnest, a further column of <c>i</c> and a further condition.</param>
    public static AnswerSql Of(int arrays, Func<string, string, string, string> sql) => new(
        sql(Numbers(arrays), "", ""), sql(Numbers(arrays + 1), ", write_id", Passed));

    public string For(Guid? writeId) => writeId is null ? Alone : WithinChange;

    private static string Numbers(int count) => string.Join(", ", Enumerable.Range(1, count).Select(number => $"${number}"));
}
