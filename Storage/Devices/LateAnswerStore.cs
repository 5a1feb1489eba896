using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Storage.Devices;

/// <inheritdoc cref="ILateAnswerStore"/>
internal sealed class LateAnswerStore(Database database, BodySealer sealer) : ILateAnswerStore
{
    /// <summary>An error that the iPad told has its report.</summary>
    private static readonly string Unanswered =
        $"command_uuid = @uuid AND enrolment_id = @id AND answer IS NULL AND result_hash IS NULL " +
        $"AND ending IN ({(short)CommandEnding.Error}, {(short)CommandEnding.Cancelled}, {(short)CommandEnding.Expired})";

    public Task<UnansweredCommand?> Find(string enrolmentId, string commandUuid)
    {
        StoredText.Check("The enrolment id", enrolmentId);
        StoredText.Check("The CommandUUID", commandUuid);
        return database.Read(s => s
            .Sql($"SELECT sequence, request_type, ending, body_hash, sent_at FROM history WHERE {Unanswered} LIMIT 1")
            .Text("@uuid", commandUuid).Text("@id", enrolmentId)
            .First(row => new UnansweredCommand(row.Long(0), row.Text(1), (CommandEnding)row.Short(2), row.Bytes(3), row.TimeOrNull(4))));
    }

    public async Task<bool> Keep(LateAnswer answer)
    {
        StoredText.Check("The enrolment id", answer.EnrolmentId);
        StoredText.Check("The CommandUUID", answer.CommandUuid);
        StoredText.Check("The summary", answer.Summary);
        var result = answer.Result is { } report ? sealer.SealAnswer(answer.Sequence, report.Span) : null;
        return await database.Write(async s =>
        {
            if (!await Keep(s, answer, result)) return false;
            if (answer.Inventory is { } told) await InventoryChanges.Write(s, answer.EnrolmentId, told);
            // What the library sent last, whatever it was taken for before.
            await s
                .Sql("UPDATE profile_installs SET outcome = @outcome, reason = @summary WHERE device_id = @id AND command_uuid = @uuid")
                .Short("@outcome", (short)(answer.Ending == CommandEnding.Acknowledged ? 1 : 2)).Text("@summary", answer.Summary)
                .Text("@id", answer.EnrolmentId).Text("@uuid", answer.CommandUuid).Execute();
            return true;
        });
    }

    private static async Task<bool> Keep(Session session, LateAnswer answer, byte[]? result) => await session
        .Sql($"""
            UPDATE history SET ending = @ending, error_summary = @summary, answer = @answer, result_hash = @hash
            WHERE {Unanswered} AND sequence = @sequence
            """)
        .Short("@ending", (short)answer.Ending).Text("@summary", answer.Summary).Bytes("@answer", result).Bytes("@hash", answer.ResultHash)
        .Text("@uuid", answer.CommandUuid).Text("@id", answer.EnrolmentId).Long("@sequence", answer.Sequence).Execute() > 0;
}
