namespace FleetMdm.Storage.AppsAndBooks;

/// <summary>The columns of locations, assets and licences, for both databases.</summary>
internal static class ContentColumns
{
    public const string Location = """
        o.id, o.uid, o.name, o.organization, o.country, o.token, o.token_expires_at, o.token_at, o.token_by, o.warned_days, o.mdm_id, o.mdm_name, o.claimed_at, o.claimed_by, o.notify_secret,
        o.notified_at, o.revision, o.assets_at, o.since_version, o.licences_at, o.next_at, o.failures, o.problem, o.problem_detail, o.problem_at, o.created_at, o.created_by,
        o.changes > o.reviewed
        """;

    public const int LocationWidth = 28;

    public const string Asset = "t.adam_id, t.pricing, t.product_type, t.device_assignable, t.revocable, t.total, t.assigned, t.available, t.counted_at, t.name, t.bundle_id, t.metadata_at";

    public const int AssetWidth = 12;

    public const string Licence = "l.adam_id, l.pricing, l.serial_number, l.state, l.ours, l.keep, l.event_id, l.asked_at, l.next_at, l.attempts, l.reason, l.changed_at";

    public const int LicenceWidth = 12;

    /// <summary>iPads <c>d</c> that assignments <c>a</c> of a location want a licence for. One that cannot have the app needs none.</summary>
    public const string Wanting = """
        assignments a JOIN assignment_devices x ON x.assignment_id = a.id AND x.state IN (1, 2, 3, 4)
        JOIN devices d ON d.id = x.device_id AND d.status = 2 AND d.serial_number IS NOT NULL
        """;

    public static ContentLocation ReadLocation(Row row, int at = 0) => new()
    {
        Id = row.Text(at),
        Uid = row.Text(at + 1),
        Name = row.Text(at + 2),
        Organization = row.TextOrNull(at + 3),
        Country = row.TextOrNull(at + 4),
        SealedToken = row.Bytes(at + 5),
        TokenExpiresAt = row.Time(at + 6),
        TokenAt = row.Time(at + 7),
        TokenBy = row.Text(at + 8),
        WarnedDays = row.IntOrNull(at + 9),
        MdmId = row.TextOrNull(at + 10),
        MdmName = row.TextOrNull(at + 11),
        ClaimedAt = row.TimeOrNull(at + 12),
        ClaimedBy = row.TextOrNull(at + 13),
        SealedNotify = row.BytesOrNull(at + 14),
        NotifiedAt = row.TimeOrNull(at + 15),
        Revision = row.Long(at + 16),
        AssetsAt = row.TimeOrNull(at + 17),
        SinceVersion = row.TextOrNull(at + 18),
        LicencesAt = row.TimeOrNull(at + 19),
        NextAt = row.TimeOrNull(at + 20),
        Failures = row.Int(at + 21),
        Problem = (ContentProblem)row.Short(at + 22),
        ProblemDetail = row.TextOrNull(at + 23),
        ProblemAt = row.TimeOrNull(at + 24),
        CreatedAt = row.Time(at + 25),
        CreatedBy = row.Text(at + 26),
        Touched = row.Bool(at + 27),
    };

    public static ContentAsset ReadAsset(Row row, int at = 0) => new()
    {
        AdamId = row.Text(at),
        Pricing = row.Text(at + 1),
        ProductType = row.Text(at + 2),
        DeviceAssignable = row.Bool(at + 3),
        Revocable = row.Bool(at + 4),
        Total = row.Long(at + 5),
        Assigned = row.Long(at + 6),
        Available = row.Long(at + 7),
        CountedAt = row.Time(at + 8),
        Name = row.TextOrNull(at + 9),
        BundleId = row.TextOrNull(at + 10),
        MetadataAt = row.TimeOrNull(at + 11),
    };

    public static ContentLicence ReadLicence(Row row, int at = 0) => new()
    {
        AdamId = row.Text(at),
        Pricing = row.Text(at + 1),
        SerialNumber = row.Text(at + 2),
        State = (LicenceState)row.Short(at + 3),
        Ours = row.Bool(at + 4),
        Keep = row.Bool(at + 5),
        EventId = row.TextOrNull(at + 6),
        AskedAt = row.TimeOrNull(at + 7),
        NextAt = row.TimeOrNull(at + 8),
        Attempts = row.Int(at + 9),
        Reason = row.TextOrNull(at + 10),
        ChangedAt = row.Time(at + 11),
    };

    /// <summary>Storable, and bounded, whatever Apple sends.</summary>
    public static string? Cut(string? text, int longest = 500)
    {
        if (string.IsNullOrEmpty(text)) return null;
        var clean = new string([.. text.Where(one => !char.IsControl(one) && !char.IsSurrogate(one))]);
        return clean.Length <= longest ? clean : clean[..longest];
    }
}
