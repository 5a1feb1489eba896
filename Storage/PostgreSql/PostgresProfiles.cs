using FleetMdm.Storage.Devices;
using FleetMdm.Storage.GroupCommit;
using Npgsql;

namespace FleetMdm.Storage.PostgreSql;

/// <summary>What became of the profiles that the library sent, behind the answers to their commands. Only the command that was sent last counts, and its
/// first ending.</summary>
internal static class PostgresProfiles
{
    private static readonly AnswerSql Settle = AnswerSql.Of(5, (unnest, write, passed) => $"""
        UPDATE profile_installs p SET outcome = CASE WHEN i.ending = 1 THEN 1 WHEN i.ending IN (2, 3) THEN 2 ELSE 3 END, changed_at = i.at, reason = i.reason
        FROM unnest({unnest}) AS i(device_id, command_uuid, ending, at, reason{write})
        WHERE p.device_id = i.device_id AND p.command_uuid = i.command_uuid AND p.outcome = 0{passed}
        """);

    /// <summary>Another command has removed or replaced a profile of the library. What waits is settled by its own answer.</summary>
    private static readonly AnswerSql SettleOther = AnswerSql.Of(5, (unnest, write, passed) => $"""
        UPDATE profile_installs p SET wanted = CASE WHEN q.request_type = 'RemoveProfile' THEN 2 ELSE p.wanted END,
          outcome = CASE WHEN q.request_type = 'RemoveProfile' THEN 1 ELSE 4 END, command_uuid = i.command_uuid, changed_at = i.at,
          reason = CASE WHEN q.request_type = 'RemoveProfile' THEN NULL ELSE '{QueueFinish.ReplacedReason}' END
        FROM unnest({unnest}) AS i(device_id, command_uuid, identifier, at, sequence{write}), history q, profiles l
        WHERE q.sequence = i.sequence AND q.enrolment_id = i.device_id AND l.identifier = i.identifier AND p.device_id = i.device_id AND p.profile_id = l.id
          AND p.outcome <> 0 AND p.command_uuid <> i.command_uuid AND p.changed_at <= i.at{passed}
        """);

    private const string Forget = """
        DELETE FROM profile_installs p
        USING unnest($1, $2) AS i(id, write_id), devices d
        WHERE d.id = i.id AND d.write_id = i.write_id AND d.xmin = pg_current_xact_id()::xid AND p.device_id = i.id
        """;

    /// <summary>For answers of iPads: all by themselves, or all within changes of their enrolments.</summary>
    public static void Add(NpgsqlBatch statements, List<Answered> answers)
    {
        var settled = answers.FindAll(answer => answer.Finish.ProfileCommand is not null);
        if (settled.Count == 0)
            return;
        Passed(settled, new ArrayStatement<Answered>(statements, Settle.For(settled[0].WriteId), settled)
            .Text(i => i.Finish.EnrolmentId).Text(i => i.Finish.ProfileCommand).Short(i => (short)i.Finish.Ending).Time(i => i.Finish.FinishedAt)
            .Text(i => i.Finish.ErrorSummary));
        var others = settled.FindAll(answer => answer.Finish.ProfileIdentifier is not null);
        if (others.Count > 0)
        {
            Passed(others, new ArrayStatement<Answered>(statements, SettleOther.For(others[0].WriteId), others)
                .Text(i => i.Finish.EnrolmentId).Text(i => i.Finish.ProfileCommand).Text(i => i.Finish.ProfileIdentifier).Time(i => i.Finish.FinishedAt)
                .Long(i => i.Finish.Sequence));
        }
    }

    private static void Passed(List<Answered> answers, ArrayStatement<Answered> statement)
    {
        if (answers[0].WriteId is not null)
            statement.Guid(answer => answer.WriteId!.Value);
    }

    /// <summary>For iPads that were erased, or enrolled anew.</summary>
    public static void AddEnds(NpgsqlBatch statements, List<CommitItem> forgotten)
    {
        if (forgotten.Count > 0)
            new ArrayStatement<CommitItem>(statements, Forget, forgotten).Text(c => c.Change.Row.Id).Guid(c => c.Change.WriteId);
    }
}
