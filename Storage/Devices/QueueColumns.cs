namespace FleetMdm.Storage.Devices;

/// <summary>The columns of a queued row, once for both databases.</summary>
internal static class QueueColumns
{
    /// <summary>Of <c>queue</c> and then of <c>history</c>, in the order in which one is moved to the other; between them the
    /// statements put ending, sent_at, finished_at, error_summary, answer and result_hash.</summary>
    public const string Kept = "enrolment_id, sequence, command_uuid, request_type, body_hash, accepted_at, not_now_count, operation_id";

    /// <summary>What history has beside <see cref="Kept"/>.</summary>
    public const string Added = "ending, sent_at, finished_at, error_summary, answer, result_hash";

    /// <summary>sequence, command_uuid, request_type, body_hash, accepted_at, expires_at, operation_id, not_now_count, not_now_at, cancelled,
    /// unanswered_count, unanswered_at.</summary>
    public static QueuedRow Read(Row row, int at) => new()
    {
        Sequence = row.Long(at),
        CommandUuid = row.Text(at + 1),
        RequestType = row.Text(at + 2),
        BodyHash = row.Bytes(at + 3),
        AcceptedAt = row.Time(at + 4),
        ExpiresAt = row.TimeOrNull(at + 5),
        OperationId = row.TextOrNull(at + 6),
        NotNowCount = row.Int(at + 7),
        NotNowAt = row.TimeOrNull(at + 8),
        OperationCancelled = row.Bool(at + 9),
        UnansweredCount = row.Int(at + 10),
        UnansweredAt = row.TimeOrNull(at + 11),
    };
}
