namespace FleetMdm.Storage.Automated;

/// <summary>The columns of servers and iPads, for both databases.</summary>
internal static class AutomatedColumns
{
    public const string Server = """
        s.id, s.version, s.name, s.certificate, s.private_key, s.key_made_at, s.token, s.token_expires_at, s.token_at, s.token_by, s.apple_uuid, s.apple_name, s.organization,
        s.organization_id, s.page_size, s.invitation_id, s.profile_id, s.revision, s.cursor, s.fetching, s.generation, s.fetched_at, s.synced_at, s.next_at, s.failures, s.problem,
        s.problem_detail, s.problem_at, s.review, s.created_at, s.created_by, s.updated_at, s.updated_by
        """;

    public const int ServerWidth = 33;

    public const string Device = """
        d.serial_number, d.server_id, d.model, d.description, d.color, d.asset_tag, d.device_family, d.os, d.profile_uuid, d.profile_status, d.profile_assigned_at, d.profile_pushed_at,
        d.assigned_by, d.assigned_at, d.migration_deadline, d.op_at, d.first_at, d.changed_at, d.released_at, d.profile_id, d.state, d.wanted_uuid, d.state_at, d.next_at, d.attempts,
        d.reason, d.asked_at, d.asked_os, d.answer, d.migration_since
        """;

    public const int DeviceWidth = 30;

    public const string Profile = "p.id, p.version, p.name, p.definition, p.created_at, p.created_by, p.updated_at, p.updated_by";

    /// <summary>Of iPads <c>d</c>: the server <c>s</c>, the placeholder <c>h</c>, what its school has <c>c</c>, what its group has <c>k</c>, with the group <c>n</c>. Of several groups: the
    /// lowest priority, then the first name. A group of a school is for its iPads only: as they come to be when they enrol next.</summary>
    public const string Joins = """
        LEFT JOIN automated_servers s ON s.id = d.server_id
        LEFT JOIN placeholders h ON h.serial_number = d.serial_number
        LEFT JOIN schools x ON x.name = h.school
        LEFT JOIN automated_schools c ON c.school_id = x.id
        LEFT JOIN automated_groups k ON k.group_id = (
          SELECT q.group_id
          FROM (
            SELECT w.group_id, NULL AS school FROM device_group_serials w WHERE w.serial_number = d.serial_number
            UNION ALL SELECT m.group_id, e.school FROM devices e JOIN device_group_members m ON m.device_id = e.id WHERE e.serial_number = d.serial_number AND e.id = e.device_id) b
          JOIN automated_groups q ON q.group_id = b.group_id
          JOIN device_groups g ON g.id = q.group_id
          LEFT JOIN schools y ON y.id = g.school_id
          WHERE g.school_id IS NULL OR y.name = coalesce(h.school, b.school)
          ORDER BY q.priority, g.name_key LIMIT 1)
        LEFT JOIN device_groups n ON n.id = k.group_id
        """;

    /// <summary>The id of the profile that <c>d</c> should have.</summary>
    public const string Wanted = "coalesce(d.profile_id, k.profile_id, c.profile_id, s.profile_id)";

    /// <summary>Where it comes from, as <see cref="AutomatedOrigin"/>.</summary>
    public const string Origin = "CASE WHEN d.profile_id IS NOT NULL THEN 1 WHEN k.profile_id IS NOT NULL THEN 2 WHEN c.profile_id IS NOT NULL THEN 3 WHEN s.profile_id IS NOT NULL THEN 4 ELSE 0 END";

    private const string Enrolled = "SELECT 1 FROM devices v WHERE v.serial_number = d.serial_number AND v.id = v.device_id AND v.status = 2";

    /// <summary>Of <c>d</c>: it has enrolled since it was said to move here.</summary>
    private const string Came = $"EXISTS ({Enrolled} AND v.enrolled_at >= d.migration_since)";

    /// <summary>It moves to a service of this server, and has not come yet.</summary>
    public const string Comes = $"d.migration_deadline IS NOT NULL AND d.released_at IS NULL AND NOT {Came}";

    /// <summary>It left its service, and is still enrolled here.</summary>
    public const string Leaves = $"d.released_at IS NOT NULL AND EXISTS ({Enrolled} AND v.enrolled_at <= d.released_at)";

    /// <summary>It moved here.</summary>
    public const string HasCome = $"d.migration_deadline IS NOT NULL AND d.released_at IS NULL AND {Came}";

    /// <summary>As <see cref="AutomatedMigration"/>, without regard to the time.</summary>
    public const string Migration = $"CASE WHEN {Comes} THEN 1 WHEN {HasCome} THEN 3 WHEN {Leaves} THEN 4 ELSE 0 END";

    public static AutomatedServer ReadServer(Row row, int at = 0) => new()
    {
        Id = row.Text(at),
        Version = row.Int(at + 1),
        Name = row.Text(at + 2),
        Certificate = row.Bytes(at + 3),
        SealedKey = row.Bytes(at + 4),
        KeyMadeAt = row.Time(at + 5),
        SealedToken = row.BytesOrNull(at + 6),
        TokenExpiresAt = row.TimeOrNull(at + 7),
        TokenAt = row.TimeOrNull(at + 8),
        TokenBy = row.TextOrNull(at + 9),
        AppleUuid = row.TextOrNull(at + 10),
        AppleName = row.TextOrNull(at + 11),
        Organization = row.TextOrNull(at + 12),
        OrganizationId = row.TextOrNull(at + 13),
        PageSize = row.Int(at + 14),
        InvitationId = row.Text(at + 15),
        ProfileId = row.TextOrNull(at + 16),
        Revision = row.Long(at + 17),
        Cursor = row.TextOrNull(at + 18),
        Fetching = row.Bool(at + 19),
        Generation = row.Long(at + 20),
        FetchedAt = row.TimeOrNull(at + 21),
        SyncedAt = row.TimeOrNull(at + 22),
        NextAt = row.TimeOrNull(at + 23),
        Failures = row.Int(at + 24),
        Problem = (AutomatedProblem)row.Short(at + 25),
        ProblemDetail = row.TextOrNull(at + 26),
        ProblemAt = row.TimeOrNull(at + 27),
        Review = row.Bool(at + 28),
        CreatedAt = row.Time(at + 29),
        CreatedBy = row.Text(at + 30),
        UpdatedAt = row.Time(at + 31),
        UpdatedBy = row.Text(at + 32),
    };

    public static AutomatedDevice ReadDevice(Row row, int at = 0) => new()
    {
        Apple = new AppleDevice
        {
            SerialNumber = row.Text(at),
            Model = row.TextOrNull(at + 2),
            Description = row.TextOrNull(at + 3),
            Color = row.TextOrNull(at + 4),
            AssetTag = row.TextOrNull(at + 5),
            Family = row.TextOrNull(at + 6),
            Os = row.TextOrNull(at + 7),
            ProfileUuid = row.TextOrNull(at + 8),
            ProfileStatus = row.TextOrNull(at + 9),
            ProfileAssignedAt = row.TimeOrNull(at + 10),
            ProfilePushedAt = row.TimeOrNull(at + 11),
            AssignedBy = row.TextOrNull(at + 12),
            AssignedAt = row.TimeOrNull(at + 13),
            MigrationDeadline = row.TimeOrNull(at + 14),
            OperationAt = row.TimeOrNull(at + 15),
        },
        ServerId = row.Text(at + 1),
        FirstAt = row.Time(at + 16),
        ChangedAt = row.Time(at + 17),
        ReleasedAt = row.TimeOrNull(at + 18),
        ProfileId = row.TextOrNull(at + 19),
        State = (AutomatedState)row.Short(at + 20),
        WantedUuid = row.TextOrNull(at + 21),
        StateAt = row.Time(at + 22),
        NextAt = row.TimeOrNull(at + 23),
        Attempts = row.Short(at + 24),
        Reason = row.TextOrNull(at + 25),
        AskedAt = row.TimeOrNull(at + 26),
        AskedOs = row.TextOrNull(at + 27),
        Answer = row.TextOrNull(at + 28),
        MigrationSince = row.TimeOrNull(at + 29),
    };

    public static AutomatedProfile ReadProfile(Row row, int at = 0) => new()
    {
        Id = row.Text(at),
        Version = row.Int(at + 1),
        Name = row.Text(at + 2),
        Definition = row.Text(at + 3),
        CreatedAt = row.Time(at + 4),
        CreatedBy = row.Text(at + 5),
        UpdatedAt = row.Time(at + 6),
        UpdatedBy = row.Text(at + 7),
    };
}
