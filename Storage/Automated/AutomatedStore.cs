using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Storage.Automated;

/// <inheritdoc cref="IAutomatedStore"/>
internal sealed class AutomatedStore(Database database) : IAutomatedStore
{
    private const string DeviceRows = $"""
        SELECT {AutomatedColumns.Device}, s.name, h.name, h.school, w.id, w.name,
          (SELECT e.id FROM devices e WHERE e.serial_number = d.serial_number AND e.id = e.device_id AND e.status = 2 ORDER BY e.id LIMIT 1),
          {AutomatedColumns.Origin}, n.id, n.name, {AutomatedColumns.Migration}
        FROM automated_devices d {AutomatedColumns.Joins}
        LEFT JOIN automated_profiles w ON w.id = {AutomatedColumns.Wanted}
        """;

    private const string ServerRows = $"""
        SELECT {AutomatedColumns.Server}, p.name,
          (SELECT count(*) FROM automated_devices d WHERE d.server_id = s.id AND d.released_at IS NULL), (SELECT count(*) FROM automated_devices d WHERE d.server_id = s.id AND d.released_at IS NOT NULL)
        FROM automated_servers s LEFT JOIN automated_profiles p ON p.id = s.profile_id
        """;

    public async Task<IReadOnlyList<AutomatedServerRow>> ListServers(Scope scope) => !IsDistrict(scope) ? [] : await database.Read(s => s
        .Sql($"{ServerRows} ORDER BY s.name_key").List(ReadServerRow));

    public Task<AutomatedServerRow?> FindServer(Scope scope, string id)
    {
        StoredText.Check("The server's id", id);
        return !IsDistrict(scope) ? Task.FromResult<AutomatedServerRow?>(null) : database.Read(s => s.Sql($"{ServerRows} WHERE s.id = @id").Text("@id", id).First(ReadServerRow));
    }

    public Task<AutomatedOutcome> CreateServer(AutomatedServer server, Invitation invitation, AuditRecord? audit)
    {
        StoredText.Check("The name", server.Name);
        StoredText.Check("The name of who asked", server.CreatedBy);
        return database.Write(async s =>
        {
            if (await s.Sql("SELECT count(*) FROM automated_servers").First(row => row.Long(0)) >= IAutomatedStore.MostServers) return AutomatedOutcome.TooMany;
            if (!await KnowsProfile(s, server.ProfileId)) return AutomatedOutcome.UnknownProfile;
            var added = await s
                .Sql("""
                    INSERT INTO automated_servers (id, version, name, name_key, certificate, private_key, key_made_at, page_size, invitation_id, profile_id, revision, fetching, generation, failures, problem, review,
                      created_at, created_by, updated_at, updated_by)
                    VALUES (@id, 1, @name, @key, @certificate, @private, @at, @size, @invitation, @profile, 0, @no, 0, 0, 0, @no, @at, @by, @at, @by)
                    ON CONFLICT DO NOTHING
                    """)
                .Text("@id", server.Id).Text("@name", server.Name).Text("@key", Keys.Sort(server.Name)).Bytes("@certificate", server.Certificate).Bytes("@private", server.SealedKey)
                .Time("@at", server.CreatedAt).Int("@size", server.PageSize).Text("@invitation", server.InvitationId).Text("@profile", server.ProfileId).Bool("@no", false)
                .Text("@by", server.CreatedBy).Execute();
            if (added == 0)
            {
                // By the same request before.
                return await s.Sql("SELECT id FROM automated_servers WHERE id = @id").Text("@id", server.Id).First(row => row.Text(0)) is null ? AutomatedOutcome.NameTaken : AutomatedOutcome.Written;
            }

            await s
                .Sql("""
                    INSERT INTO invitations (id, name, created_at, expires_at, created_by, automated) VALUES (@id, @name, @created, @expires, @by, @yes)
                    ON CONFLICT (id) DO NOTHING
                    """)
                .Text("@id", invitation.Id).Text("@name", invitation.Name).Time("@created", invitation.CreatedAt).Time("@expires", invitation.ExpiresAt).Text("@by", invitation.CreatedBy)
                .Bool("@yes", true).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AutomatedOutcome.Written;
        });
    }

    public Task<AutomatedOutcome> ChangeServer(AutomatedServer server, AuditRecord? audit)
    {
        StoredText.Check("The name", server.Name);
        StoredText.Check("The name of who asked", server.UpdatedBy);
        return database.Write(async s =>
        {
            if (await Standing(s, "automated_servers", server.Id) is not { } standing) return AutomatedOutcome.NotFound;
            if (standing.Version != server.Version - 1) return standing.Version == server.Version && standing.UpdatedAt == Milliseconds(server.UpdatedAt) ? AutomatedOutcome.Written : AutomatedOutcome.VersionConflict;
            if (await IsTaken(s, "automated_servers", server.Id, server.Name)) return AutomatedOutcome.NameTaken;
            if (!await KnowsProfile(s, server.ProfileId)) return AutomatedOutcome.UnknownProfile;
            await s
                .Sql($"""
                    UPDATE automated_servers SET version = @version, name = @name, name_key = @key, profile_id = @profile, {Review}, updated_at = @at, updated_by = @by WHERE id = @id
                    """)
                .Int("@version", server.Version).Text("@name", server.Name).Text("@key", Keys.Sort(server.Name)).Text("@profile", server.ProfileId).Bool("@yes", true)
                .Time("@at", server.UpdatedAt).Text("@by", server.UpdatedBy).Text("@id", server.Id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AutomatedOutcome.Written;
        });
    }

    public Task<AutomatedOutcome> SetKey(string id, byte[] certificate, byte[] sealedKey, DateTimeOffset at, string by, AuditRecord? audit)
    {
        StoredText.Check("The server's id", id);
        return database.Write(async s =>
        {
            var written = await s
                .Sql("UPDATE automated_servers SET version = version + 1, certificate = @certificate, private_key = @private, key_made_at = @at, updated_at = @at, updated_by = @by WHERE id = @id")
                .Bytes("@certificate", certificate).Bytes("@private", sealedKey).Time("@at", at).Text("@by", by).Text("@id", id).Execute();
            if (written == 0) return AutomatedOutcome.NotFound;
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AutomatedOutcome.Written;
        });
    }

    public Task<AutomatedOutcome> DeleteServer(string id, DateTimeOffset at, AuditRecord? audit)
    {
        StoredText.Check("The server's id", id);
        return database.Write(async s =>
        {
            if (await s.Sql($"SELECT invitation_id FROM automated_servers WHERE id = @id{database.ForUpdate}").Text("@id", id).First(row => row.Text(0)) is not { } invitation) return AutomatedOutcome.NotFound;
            await s.Sql("UPDATE invitations SET revoked_at = coalesce(revoked_at, @at) WHERE id = @id").Time("@at", at).Text("@id", invitation).Execute();
            await s.Sql($"UPDATE automated_devices SET released_at = @at, changed_at = @at, migration_deadline = NULL, {AutomatedSyncStore.Forgotten} WHERE server_id = @id AND released_at IS NULL").Time("@at", at).Text("@id", id).Execute();
            await s.Sql("DELETE FROM automated_definitions WHERE server_id = @id").Text("@id", id).Execute();
            await s.Sql("DELETE FROM automated_servers WHERE id = @id").Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AutomatedOutcome.Written;
        }, timeout: TimeSpan.FromMinutes(2));
    }

    public async Task<IReadOnlyList<AutomatedCount>> Count(Scope scope) => !IsDistrict(scope) ? [] : await database.Read(s => s
        .Sql("SELECT server_id, state, count(*) FROM automated_devices WHERE released_at IS NULL GROUP BY server_id, state")
        .List(row => new AutomatedCount(row.Text(0), (AutomatedState)row.Short(1), row.Long(2))));

    public async Task<AutomatedMigrationCounts> CountMigrations(Scope scope, DateTimeOffset now, params IReadOnlyList<int> days)
    {
        if (!IsDistrict(scope)) return new AutomatedMigrationCounts(0, [.. days.Select(_ => 0L)], 0, 0, 0);
        return await database.Read(async s =>
        {
            // Each by the index of those that have a deadline, or that left: few, but in the weeks of a move.
            var moving = await s
                .Sql($"""
                    SELECT count(CASE WHEN m.comes = 1 AND m.deadline > @now THEN 1 END), count(CASE WHEN m.comes = 1 AND m.deadline <= @now THEN 1 END), count(CASE WHEN m.comes = 0 THEN 1 END)
                      {string.Concat(days.Select((_, number) => $", count(CASE WHEN m.comes = 1 AND m.deadline > @now AND m.deadline <= @until{number} THEN 1 END)"))}
                    FROM (SELECT d.migration_deadline AS deadline, CASE WHEN {AutomatedColumns.Comes} THEN 1 ELSE 0 END AS comes
                      FROM automated_devices d WHERE d.migration_deadline IS NOT NULL AND d.released_at IS NULL) m
                    """)
                .Time("@now", now)
                .Bind(statement =>
                {
                    foreach (var (number, one) in days.Index()) statement.Time($"@until{number}", now.AddDays(one));
                })
                .First(row => new AutomatedMigrationCounts(row.Long(0), [.. days.Select((_, number) => row.Long(3 + number))], row.Long(1), row.Long(2), 0));
            var leaves = await s.Sql($"SELECT count(*) FROM automated_devices d WHERE {AutomatedColumns.Leaves}").First(row => row.Long(0));
            return moving! with { Leaves = leaves };
        });
    }

    public async Task<IReadOnlyList<AutomatedDeviceRow>> ListDevices(Scope scope, AutomatedDeviceFilter filter, string? after, int limit)
    {
        StoredText.Check("The serial number to go on after", after);
        StoredText.Check("The server's id", filter.ServerId);
        StoredText.Check("The school", filter.School);
        StoredText.Check("The search", filter.Text);
        if (!IsDistrict(scope)) return [];
        var conditions = new List<string> { "d.serial_number > @after" };
        if (filter.ServerId is not null) conditions.Add("d.server_id = @server");
        if (filter.State is not null) conditions.Add("d.state = @state AND d.released_at IS NULL");
        if (filter.Released is { } released) conditions.Add($"d.released_at IS {(released ? "NOT " : "")}NULL");
        if (filter.School is not null) conditions.Add("h.school = @school");
        if (filter.Migration is { } migration)
        {
            conditions.Add(migration switch
            {
                AutomatedMigration.Comes => $"{AutomatedColumns.Comes} AND d.migration_deadline > @now",
                AutomatedMigration.Late => $"{AutomatedColumns.Comes} AND d.migration_deadline <= @now",
                AutomatedMigration.Came => AutomatedColumns.HasCome,
                AutomatedMigration.Leaves => AutomatedColumns.Leaves,
                _ => $"NOT ({AutomatedColumns.Comes}) AND NOT ({AutomatedColumns.HasCome}) AND NOT ({AutomatedColumns.Leaves})",
            });
        }

        if (filter.Text is not null) conditions.Add("d.serial_number >= @text AND d.serial_number < @textEnd");
        return await database.Read(s => s
            .Sql($"{DeviceRows} WHERE {string.Join(" AND ", conditions)} ORDER BY d.serial_number LIMIT @limit").Text("@after", after ?? "").Int("@limit", limit)
            .Bind(statement =>
            {
                if (filter.ServerId is { } server) statement.Text("@server", server);
                if (filter.State is { } state) statement.Short("@state", (short)state);
                if (filter.School is { } school) statement.Text("@school", school);
                if (filter.Migration is AutomatedMigration.Comes or AutomatedMigration.Late) statement.Time("@now", filter.Now);
                if (filter.Text is { } text) statement.Text("@text", text.ToUpperInvariant()).Text("@textEnd", text.ToUpperInvariant() + "~");
            })
            .List(ReadDeviceRow));
    }

    public Task<AutomatedDeviceRow?> FindDevice(Scope scope, string serialNumber)
    {
        StoredText.Check("The serial number", serialNumber);
        return !IsDistrict(scope) ? Task.FromResult<AutomatedDeviceRow?>(null) : database.Read(s => s
            .Sql($"{DeviceRows} WHERE d.serial_number = @serial").Text("@serial", serialNumber.ToUpperInvariant()).First(ReadDeviceRow));
    }

    public Task<AutomatedOutcome> ChooseForDevice(string serialNumber, string? profileId, DateTimeOffset at, AuditRecord? audit)
    {
        StoredText.Check("The serial number", serialNumber);
        return database.Write(async s =>
        {
            if (!await KnowsProfile(s, profileId)) return AutomatedOutcome.UnknownProfile;
            var server = await s.Sql("UPDATE automated_devices SET profile_id = @profile WHERE serial_number = @serial RETURNING server_id").Text("@profile", profileId)
                .Text("@serial", serialNumber.ToUpperInvariant()).First(row => row.Text(0));
            if (server is null) return AutomatedOutcome.NotFound;
            await s.Sql($"UPDATE automated_servers SET {Review} WHERE id = @id").Bool("@yes", true).Time("@at", at).Text("@id", server).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AutomatedOutcome.Written;
        });
    }

    public async Task<IReadOnlyList<AutomatedProfile>> ListProfiles(Scope scope) => !IsDistrict(scope) ? [] : await database.Read(s => s
        .Sql($"SELECT {AutomatedColumns.Profile} FROM automated_profiles p ORDER BY p.name_key").List(row => AutomatedColumns.ReadProfile(row)));

    public Task<AutomatedProfile?> FindProfile(Scope scope, string id)
    {
        StoredText.Check("The profile's id", id);
        return !IsDistrict(scope) ? Task.FromResult<AutomatedProfile?>(null) : database.Read(s => s
            .Sql($"SELECT {AutomatedColumns.Profile} FROM automated_profiles p WHERE p.id = @id").Text("@id", id).First(row => AutomatedColumns.ReadProfile(row)));
    }

    public Task<AutomatedOutcome> CreateProfile(AutomatedProfile profile, AuditRecord? audit)
    {
        Check(profile);
        return database.Write(async s =>
        {
            if (await s.Sql("SELECT count(*) FROM automated_profiles").First(row => row.Long(0)) >= IAutomatedStore.MostProfiles) return AutomatedOutcome.TooMany;
            var added = await Bind(s.Sql("""
                INSERT INTO automated_profiles (id, version, name, name_key, definition, created_at, created_by, updated_at, updated_by)
                VALUES (@id, 1, @name, @key, @definition, @at, @by, @at, @by) ON CONFLICT DO NOTHING
                """), profile).Execute();
            if (added == 0)
                return await s.Sql("SELECT id FROM automated_profiles WHERE id = @id").Text("@id", profile.Id).First(row => row.Text(0)) is null ? AutomatedOutcome.NameTaken : AutomatedOutcome.Written;
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AutomatedOutcome.Written;
        });
    }

    public Task<AutomatedOutcome> ChangeProfile(AutomatedProfile profile, AuditRecord? audit)
    {
        Check(profile);
        return database.Write(async s =>
        {
            if (await Standing(s, "automated_profiles", profile.Id) is not { } standing) return AutomatedOutcome.NotFound;
            if (standing.Version != profile.Version - 1) return standing.Version == profile.Version && standing.UpdatedAt == Milliseconds(profile.UpdatedAt) ? AutomatedOutcome.Written : AutomatedOutcome.VersionConflict;
            if (await IsTaken(s, "automated_profiles", profile.Id, profile.Name)) return AutomatedOutcome.NameTaken;
            await Bind(s.Sql("UPDATE automated_profiles SET version = @version, name = @name, name_key = @key, definition = @definition, updated_at = @at, updated_by = @by WHERE id = @id"), profile)
                .Int("@version", profile.Version).Execute();
            await ReviewAll(s, profile.UpdatedAt);
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AutomatedOutcome.Written;
        });
    }

    public Task<AutomatedOutcome> DeleteProfile(string id, AuditRecord? audit)
    {
        StoredText.Check("The profile's id", id);
        return database.Write(async s =>
        {
            if (await Standing(s, "automated_profiles", id) is null) return AutomatedOutcome.NotFound;
            var used = await s.Sql("""
                SELECT 1 FROM automated_servers WHERE profile_id = @id UNION ALL SELECT 1 FROM automated_schools WHERE profile_id = @id
                UNION ALL SELECT 1 FROM automated_groups WHERE profile_id = @id
                UNION ALL SELECT 1 FROM automated_devices WHERE profile_id = @id LIMIT 1
                """).Text("@id", id).First(_ => true);
            if (used) return AutomatedOutcome.InUse;
            await s.Sql("DELETE FROM automated_profiles WHERE id = @id").Text("@id", id).Execute();
            await s.Sql("DELETE FROM automated_definitions WHERE profile_id = @id").Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return AutomatedOutcome.Written;
        });
    }

    public async Task<IReadOnlyList<AutomatedSchool>> ListSchools(Scope scope) => !IsDistrict(scope) ? [] : await database.Read(s => s
        .Sql("""
            SELECT c.school_id, x.name, c.profile_id, p.name FROM automated_schools c JOIN schools x ON x.id = c.school_id JOIN automated_profiles p ON p.id = c.profile_id ORDER BY x.name, c.school_id
            """)
        .List(row => new AutomatedSchool(row.Text(0), row.Text(1), row.Text(2), row.Text(3))));

    public Task<AutomatedOutcome> ChooseForSchool(string schoolId, string? profileId, AuditRecord? audit)
    {
        StoredText.Check("The school's id", schoolId);
        return database.Write(async s =>
        {
            if (await s.Sql("SELECT id FROM schools WHERE id = @id").Text("@id", schoolId).First(row => row.Text(0)) is null) return AutomatedOutcome.UnknownSchool;
            if (!await KnowsProfile(s, profileId)) return AutomatedOutcome.UnknownProfile;
            if (profileId is null) await s.Sql("DELETE FROM automated_schools WHERE school_id = @id").Text("@id", schoolId).Execute();
            else
            {
                await s.Sql("INSERT INTO automated_schools (school_id, profile_id) VALUES (@id, @profile) ON CONFLICT (school_id) DO UPDATE SET profile_id = excluded.profile_id")
                    .Text("@id", schoolId).Text("@profile", profileId).Execute();
            }

            if (audit is not null)
            {
                await ReviewAll(s, audit.At);
                await AuditColumns.Add(s, audit);
            }

            return AutomatedOutcome.Written;
        });
    }

    public async Task<IReadOnlyList<AutomatedGroup>> ListGroups(Scope scope) => !IsDistrict(scope) ? [] : await database.Read(s => s
        .Sql("""
            SELECT q.group_id, g.name, q.profile_id, p.name, q.priority
            FROM automated_groups q JOIN device_groups g ON g.id = q.group_id JOIN automated_profiles p ON p.id = q.profile_id ORDER BY q.priority, g.name_key
            """)
        .List(row => new AutomatedGroup(row.Text(0), row.Text(1), row.Text(2), row.Text(3), row.Int(4))));

    public Task<AutomatedOutcome> ChooseForGroup(string groupId, string? profileId, int priority, DateTimeOffset at, AuditRecord? audit)
    {
        StoredText.Check("The group's id", groupId);
        return database.Write(async s =>
        {
            // Locked: it could get a rule, or go, at this moment.
            var rules = await s.Sql($"SELECT rule FROM device_groups WHERE id = @id{database.ForUpdate}").Text("@id", groupId).List(row => row.TextOrNull(0));
            if (rules.Count == 0) return AutomatedOutcome.UnknownGroup;
            if (profileId is not null && rules[0] is not null) return AutomatedOutcome.GroupHasRule;
            if (!await KnowsProfile(s, profileId)) return AutomatedOutcome.UnknownProfile;
            if (profileId is null)
            {
                // Before it goes, for the groups that have one are looked at.
                await ReviewAfterGroup(s, groupId, at);
                await s.Sql("DELETE FROM automated_groups WHERE group_id = @id").Text("@id", groupId).Execute();
            }
            else
            {
                await s
                    .Sql("""
                        INSERT INTO automated_groups (group_id, profile_id, priority) VALUES (@id, @profile, @priority)
                        ON CONFLICT (group_id) DO UPDATE SET profile_id = excluded.profile_id, priority = excluded.priority
                        """)
                    .Text("@id", groupId).Text("@profile", profileId).Int("@priority", priority).Execute();
                await ReviewAfterGroup(s, groupId, at);
            }

            if (audit is not null) await AuditColumns.Add(s, audit);
            return AutomatedOutcome.Written;
        });
    }

    /// <summary>After a change of a group and of who is in it. Nothing is looked at where it has no enrolment profile.</summary>
    internal static Task<int> ReviewAfterGroup(Session s, string groupId, DateTimeOffset at) => s
        .Sql($"UPDATE automated_servers SET {Review} WHERE EXISTS (SELECT 1 FROM automated_groups q WHERE q.group_id = @group)").Bool("@yes", true).Time("@at", at).Text("@group", groupId).Execute();

    public async Task<(AutomatedDevice Device, AutomatedServer Server, AutomatedProfile? Profile)?> FindForEnrolment(string serialNumber)
    {
        StoredText.Check("The serial number", serialNumber);
        var found = await database.Read(s => s
            .Sql($"""
                SELECT {AutomatedColumns.Device}, {AutomatedColumns.Server}, {AutomatedColumns.Profile}
                FROM automated_devices d {AutomatedColumns.Joins} LEFT JOIN automated_profiles p ON p.id = {AutomatedColumns.Wanted}
                WHERE d.serial_number = @serial AND d.released_at IS NULL AND s.id IS NOT NULL
                """)
            .Text("@serial", serialNumber.ToUpperInvariant())
            .List(row => (AutomatedColumns.ReadDevice(row), AutomatedColumns.ReadServer(row, AutomatedColumns.DeviceWidth),
                row.IsNull(AutomatedColumns.DeviceWidth + AutomatedColumns.ServerWidth) ? null : AutomatedColumns.ReadProfile(row, AutomatedColumns.DeviceWidth + AutomatedColumns.ServerWidth))));
        return found.Count > 0 ? found[0] : null;
    }

    public Task NoteAsked(string serialNumber, DateTimeOffset at, string? osVersion, string answer)
    {
        StoredText.Check("The version", osVersion);
        StoredText.Check("The answer", answer);
        return database.Write(s => s.Sql("UPDATE automated_devices SET asked_at = @at, asked_os = @os, answer = @answer WHERE serial_number = @serial")
            .Time("@at", at).Text("@os", osVersion).Text("@answer", answer).Text("@serial", serialNumber.ToUpperInvariant()).Execute());
    }

    public Task<bool> SetAddress(AutomatedAddress address)
    {
        var anchors = JsonSerializer.Serialize(address.Anchors.Select(Convert.ToBase64String).Order(StringComparer.Ordinal));
        return database.Write(async s =>
        {
            var changed = await s
                .Sql("""
                    INSERT INTO automated_address (id, url, anchors, sign_in_url) VALUES (1, @url, @anchors, @page)
                    ON CONFLICT (id) DO UPDATE SET url = excluded.url, anchors = excluded.anchors, sign_in_url = excluded.sign_in_url
                    WHERE automated_address.url <> excluded.url OR automated_address.anchors <> excluded.anchors OR automated_address.sign_in_url IS DISTINCT FROM excluded.sign_in_url
                    """)
                .Text("@url", address.Url).Text("@anchors", anchors).Text("@page", address.SignInUrl).Execute() > 0;
            if (changed) await s.Sql("UPDATE automated_servers SET review = @yes, revision = revision + 1").Bool("@yes", true).Execute();
            return changed;
        });
    }

    public Task<AutomatedAddress?> FindAddress() => database.Read(s => s
        .Sql("SELECT url, anchors, sign_in_url FROM automated_address WHERE id = 1")
        .First(row => new AutomatedAddress(row.Text(0), [.. (JsonSerializer.Deserialize<string[]>(row.Text(1)) ?? []).Select(Convert.FromBase64String)], row.TextOrNull(2))));

    /// <summary>Unless Apple is away: then with the next attempt. A round that is under way has read what was before, and does not take the mark away.</summary>
    private const string Review = "review = @yes, revision = revision + 1, next_at = CASE WHEN token IS NULL THEN NULL WHEN failures > 0 THEN next_at ELSE @at END";

    private static bool IsDistrict(Scope scope) => scope.SchoolIds is null;

    private static Task<int> ReviewAll(Session s, DateTimeOffset at) => s.Sql($"UPDATE automated_servers SET {Review}").Bool("@yes", true).Time("@at", at).Execute();

    private static async Task<bool> KnowsProfile(Session s, string? id)
    {
        StoredText.Check("The profile's id", id);
        return id is null || await s.Sql("SELECT id FROM automated_profiles WHERE id = @id").Text("@id", id).First(row => row.Text(0)) is not null;
    }

    private async Task<(int Version, DateTimeOffset UpdatedAt)?> Standing(Session s, string table, string id)
    {
        StoredText.Check("The id", id);
        var rows = await s.Sql($"SELECT version, updated_at FROM {table} WHERE id = @id{database.ForUpdate}").Text("@id", id).List(row => (row.Int(0), row.Time(1)));
        return rows.Count > 0 ? rows[0] : null;
    }

    private static Task<bool> IsTaken(Session s, string table, string id, string name) =>
        s.Sql($"SELECT 1 FROM {table} WHERE name_key = @key AND id <> @id").Text("@key", Keys.Sort(name)).Text("@id", id).First(_ => true);

    private static DateTimeOffset Milliseconds(DateTimeOffset at) => DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds());

    private static void Check(AutomatedProfile profile)
    {
        StoredText.Check("The name", profile.Name);
        StoredText.Check("The profile", profile.Definition);
        StoredText.Check("The name of who asked", profile.UpdatedBy);
    }

    private static Statement Bind(Statement statement, AutomatedProfile profile) => statement
        .Text("@id", profile.Id).Text("@name", profile.Name).Text("@key", Keys.Sort(profile.Name)).Text("@definition", profile.Definition).Time("@at", profile.UpdatedAt).Text("@by", profile.UpdatedBy);

    private static AutomatedServerRow ReadServerRow(Row row) => new(
        AutomatedColumns.ReadServer(row), row.TextOrNull(AutomatedColumns.ServerWidth), row.Long(AutomatedColumns.ServerWidth + 1), row.Long(AutomatedColumns.ServerWidth + 2));

    private static AutomatedDeviceRow ReadDeviceRow(Row row)
    {
        const int at = AutomatedColumns.DeviceWidth;
        return new AutomatedDeviceRow(
            AutomatedColumns.ReadDevice(row), row.TextOrNull(at), row.TextOrNull(at + 1), row.TextOrNull(at + 2), row.TextOrNull(at + 3), row.TextOrNull(at + 4), row.TextOrNull(at + 5),
            (AutomatedOrigin)row.Int(at + 6), row.TextOrNull(at + 7), row.TextOrNull(at + 8), (AutomatedMigration)row.Int(at + 9));
    }
}
