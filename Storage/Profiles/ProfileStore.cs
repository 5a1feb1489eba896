using System.Security.Cryptography;
using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Storage.Profiles;

/// <inheritdoc cref="IProfileStore"/>
internal sealed class ProfileStore(Database database, BodySealer sealer) : IProfileStore
{
    private const string VersionColumns =
        "v.profile_id, v.version, v.uuid, v.name, v.description, v.signed, v.has_secrets, v.variables, v.payloads, v.size, v.created_at, v.created_by, v.note, v.restored_from";

    private const int VersionWidth = 14;

    private const string Profiles =
        $"SELECT {VersionColumns}, p.id, p.identifier, p.created_at, p.created_by, p.linked_at, p.link_secrets, p.offered_to, p.offered_secrets FROM profiles p JOIN profile_versions v ON v.profile_id = p.id AND v.version = p.version";

    /// <summary>Of an insertion of what was sent: what was sent before gives way to it. One that is taken away keeps the version that it had.</summary>
    internal const string InPlaceOfEarlier = """
        ON CONFLICT (device_id, profile_id) DO UPDATE SET
          version = CASE WHEN excluded.wanted = 2 THEN profile_installs.version ELSE excluded.version END,
          command_uuid = excluded.command_uuid, wanted = excluded.wanted, outcome = 0, changed_at = excluded.changed_at, reason = NULL
        """;

    /// <summary>Installed by the library, and not known to be removed.</summary>
    internal const string Holds = "NOT (i.wanted = 2 AND i.outcome = 1)";

    /// <summary>What an iPad was sent, <c>i</c>, and what it told: <see cref="ProfileState"/>. Its outcome is 4 when another command has replaced the profile.</summary>
    private string StateOf => $"""
        CASE
          WHEN i.outcome = 0 THEN CASE WHEN i.wanted = 1 THEN 1 ELSE 2 END
          WHEN i.wanted = 1 THEN CASE
            WHEN l.as_of > i.changed_at AND {ToldUuid} = v.uuid THEN 5
            WHEN i.outcome = 2 THEN 3
            WHEN i.outcome = 3 THEN 4
            WHEN l.as_of > i.changed_at AND t.key IS NULL THEN 7
            WHEN l.as_of > i.changed_at OR i.outcome = 4 THEN 6
            ELSE 5 END
          WHEN l.as_of > i.changed_at THEN CASE WHEN t.key IS NULL THEN 9 ELSE 8 END
          WHEN i.outcome = 1 THEN 9
          ELSE 8 END
        """;

    private string ToldUuid => $"upper({database.JsonMember("t.details", "payloadUUID")})";

    private static readonly string Installs = $"""
        profile_installs i
        JOIN profiles p ON p.id = i.profile_id
        JOIN devices d ON d.id = i.device_id AND d.status IN (1, 2)
        LEFT JOIN profile_versions v ON v.profile_id = i.profile_id AND v.version = i.version
        LEFT JOIN inventory_lists l ON l.device_id = i.device_id AND l.list = {(short)InventoryList.Profiles}
        LEFT JOIN inventory_items t ON t.device_id = i.device_id AND t.list = {(short)InventoryList.Profiles} AND t.key = p.identifier
        """;

    private string Standings => $"""
        SELECT i.profile_id, p.identifier, p.name, i.device_id, d.device_name, d.serial_number, i.version, p.version, i.command_uuid, i.changed_at, i.reason,
          l.as_of, t.key, t.details, v.payloads, {StateOf} AS state,
          (SELECT max(o.version) FROM profile_versions o WHERE o.profile_id = i.profile_id AND o.uuid = {ToldUuid}) AS told_version
        FROM {Installs}
        """;

    public Task<ProfileRow?> Find(string id)
    {
        StoredText.Check("The profile's id", id);
        return database.Read(s => s.Sql($"{Profiles} WHERE p.id = @id").Text("@id", id).First(Read));
    }

    public Task<ProfileRow?> FindByIdentifier(string identifier)
    {
        StoredText.Check("The identifier", identifier);
        return database.Read(s => s.Sql($"{Profiles} WHERE p.identifier = @identifier").Text("@identifier", identifier).First(Read));
    }

    public async Task<IReadOnlyList<ProfileRow>> List(string? text, ProfileRow? after, int limit)
    {
        StoredText.Check("The search", text);
        // The library has some thousand rows at most, so a search may look at each.
        var search = text is null ? "" : " AND p.search LIKE @text ESCAPE '!'";
        return await database.Read(s => s
            .Sql($"{Profiles} WHERE (p.sort_name > @name OR (p.sort_name = @name AND p.id > @id)){search} ORDER BY p.sort_name, p.id LIMIT @limit")
            .Text("@name", after is null ? "" : Keys.Sort(after.Newest.Name)).Text("@id", after?.Id ?? "").Int("@limit", limit)
            .Bind(statement =>
            {
                if (text is not null) statement.Text("@text", Keys.Part(text));
            })
            .List(Read));
    }

    public Task<ProfileVersionRow?> FindVersion(string id, int version)
    {
        StoredText.Check("The profile's id", id);
        return database.Read(s => s
            .Sql($"SELECT {VersionColumns} FROM profile_versions v WHERE v.profile_id = @id AND v.version = @version")
            .Text("@id", id).Int("@version", version).First(ReadVersion));
    }

    public async Task<IReadOnlyList<ProfileVersionRow>> ListVersions(string id, int? before, int limit)
    {
        StoredText.Check("The profile's id", id);
        return await database.Read(s => s
            .Sql($"SELECT {VersionColumns} FROM profile_versions v WHERE v.profile_id = @id AND v.version < @before ORDER BY v.version DESC LIMIT @limit")
            .Text("@id", id).Int("@before", before ?? int.MaxValue).Int("@limit", limit).List(ReadVersion));
    }

    public async Task<byte[]?> Load(string id, int version)
    {
        StoredText.Check("The profile's id", id);
        var found = await database.Read(s => s
            .Sql("SELECT hash, content FROM profile_versions WHERE profile_id = @id AND version = @version")
            .Text("@id", id).Int("@version", version).First(row => new Body(row.Bytes(0), row.Bytes(1))));
        return found is null ? null : sealer.OpenBody(found.Hash, found.Content);
    }

    public Task<ProfileWriteOutcome> Write(ProfileWrite write)
    {
        var version = write.Version;
        StoredText.Check("The profile's id", version.ProfileId);
        StoredText.Check("The identifier", write.Identifier);
        StoredText.Check("The name", version.Name);
        StoredText.Check("The description", version.Description);
        StoredText.Check("The note", version.Note);
        StoredText.Check("The name of who asked", version.CreatedBy);
        foreach (var part in version.Payloads)
        {
            StoredText.Check("The type of a payload", part.Type);
            StoredText.Check("The identifier of a payload", part.Identifier);
            StoredText.Check("The UUID of a payload", part.Uuid);
            StoredText.Check("The name of a payload", part.Name);
        }

        var hash = sealer.Name(write.Content.Span);
        var content = sealer.SealBody(hash, write.Content.Span);
        return database.Write(async s =>
        {
            var outcome = version.Version == 1 ? await Create(s, write, hash) : await Change(s, write, hash);
            if (outcome is not { } done)
            {
                await Insert(s, write, hash, content);
                if (write.Audit is { } audit) await AuditColumns.Add(s, audit);
                return ProfileWriteOutcome.Written;
            }

            return done;
        });
    }

    public Task<bool> Delete(string id, int? version, AuditRecord? audit)
    {
        StoredText.Check("The profile's id", id);
        return database.Write(async s =>
        {
            var deleted = await s.Sql("DELETE FROM profiles WHERE id = @id AND (version = @version OR @version = 0)").Text("@id", id).Int("@version", version ?? 0).Execute() > 0;
            if (!deleted) return false;
            await s.Sql("DELETE FROM profile_versions WHERE profile_id = @id").Text("@id", id).Execute();
            await s.Sql("DELETE FROM profile_installs WHERE profile_id = @id").Text("@id", id).Execute();
            if (audit is not null) await AuditColumns.Add(s, audit);
            return true;
        });
    }

    public async Task<SignedProfile?> FindSigned(string id, int version)
    {
        StoredText.Check("The profile's id", id);
        var found = await database.Read(s => s
            .Sql("SELECT signer, signature, hash FROM profile_versions WHERE profile_id = @id AND version = @version AND signature IS NOT NULL")
            .Text("@id", id).Int("@version", version).First(row => (Signer: row.Bytes(0), Sealed: row.Bytes(1), Hash: row.Bytes(2))));
        return found.Sealed is null ? null : new SignedProfile(found.Signer, sealer.OpenBody(found.Hash, found.Sealed));
    }

    public Task KeepSigned(string id, int version, SignedProfile signed) => database.Write(async s =>
    {
        // Bound to the version that it is the signature of.
        var hash = await s.Sql("SELECT hash FROM profile_versions WHERE profile_id = @id AND version = @version")
            .Text("@id", id).Int("@version", version).First(row => row.Bytes(0));
        if (hash is null) return;
        await s.Sql("UPDATE profile_versions SET signature = @signature, signer = @signer WHERE profile_id = @id AND version = @version")
            .Bytes("@signature", sealer.SealBody(hash, signed.Content)).Bytes("@signer", signed.Signer).Text("@id", id).Int("@version", version).Execute();
    });

    public Task<bool> SetLink(string id, byte[]? token, bool secrets, int? version, DateTimeOffset at, AuditRecord? audit)
    {
        StoredText.Check("The profile's id", id);
        var hash = token is null ? null : SHA256.HashData(token);
        return database.Write(async s =>
        {
            var changed = await s
                .Sql("""
                    UPDATE profiles SET link_hash = @hash, link_sealed = @sealed, link_secrets = @secrets, linked_at = @at
                    WHERE id = @id AND (version = @version OR @version = 0)
                    """)
                .Int("@version", version ?? 0).Bytes("@hash", hash).Bytes("@sealed", token is null ? null : sealer.SealBody(hash, token)).Bool("@secrets", secrets && token is not null)
                .Time("@at", token is null ? null : at).Text("@id", id).Execute() > 0;
            if (changed && audit is not null) await AuditColumns.Add(s, audit);
            return changed;
        });
    }

    public Task<bool> SetOffer(string id, OfferedTo people, bool secrets, int? version, AuditRecord? audit)
    {
        StoredText.Check("The profile's id", id);
        return database.Write(async s =>
        {
            var changed = await s
                .Sql("UPDATE profiles SET offered_to = @people, offered_secrets = @secrets WHERE id = @id AND (version = @version OR @version = 0)")
                .Int("@version", version ?? 0).Int("@people", (int)people).Bool("@secrets", secrets && people != OfferedTo.Nobody).Text("@id", id).Execute() > 0;
            if (changed && audit is not null) await AuditColumns.Add(s, audit);
            return changed;
        });
    }

    public async Task<IReadOnlyList<ProfileRow>> ListOffered(OfferedTo people, int limit)
    {
        var rows = await database.Read(s => s
            .Sql($"{Profiles} WHERE p.offered_to <> 0 ORDER BY p.sort_name, p.id LIMIT @limit").Int("@limit", limit).List(Read));
        return [.. rows.Where(row => row.IsOfferedTo(people))];
    }

    public async Task<byte[]?> FindLink(string id)
    {
        StoredText.Check("The profile's id", id);
        var found = await database.Read(s => s
            .Sql("SELECT link_hash, link_sealed FROM profiles WHERE id = @id AND link_hash IS NOT NULL")
            .Text("@id", id).First(row => new Body(row.Bytes(0), row.Bytes(1))));
        return found is null ? null : sealer.OpenBody(found.Hash, found.Content);
    }

    public Task<ProfileRow?> FindByLink(byte[] token) =>
        database.Read(s => s.Sql($"{Profiles} WHERE p.link_hash = @hash").Bytes("@hash", SHA256.HashData(token)).First(Read));

    public async Task<IReadOnlyList<ProfileCount>> Count(Scope scope, string id)
    {
        StoredText.Check("The profile's id", id);
        return await database.Read(s => s
            .Sql($"""
                SELECT c.state, count(*), count(CASE WHEN c.outdated = 1 THEN 1 END)
                FROM (SELECT {StateOf} AS state, CASE WHEN i.version < p.version THEN 1 ELSE 0 END AS outdated FROM {Installs} WHERE i.profile_id = @id{scope.AndDevice(database)}) c
                GROUP BY c.state ORDER BY c.state
                """)
            .Text("@id", id).Within(scope).List(row => new ProfileCount((ProfileState)row.Int(0), row.Long(1), row.Long(2))));
    }

    public Task<long> CountHolders(Scope scope, string id)
    {
        StoredText.Check("The profile's id", id);
        return database.Read(s => s
            .Sql($"SELECT count(*) FROM profile_installs i JOIN devices d ON d.id = i.device_id AND d.status IN (1, 2) WHERE i.profile_id = @id AND {Holds}{scope.AndDevice(database)}")
            .Text("@id", id).Within(scope).First(row => row.Long(0)));
    }

    public async Task<IReadOnlyList<ProfileStanding>> ListDevices(Scope scope, string id, ProfileState? state, string? after, int limit)
    {
        StoredText.Check("The profile's id", id);
        StoredText.Check("The id to go on after", after);
        var wanted = state is null ? "" : $" AND ({StateOf}) = @state";
        return await database.Read(s => s
            .Sql($"{Standings} WHERE i.profile_id = @id AND i.device_id > @after{wanted}{scope.AndDevice(database)} ORDER BY i.device_id LIMIT @limit")
            .Text("@id", id).Within(scope).Text("@after", after ?? "").Int("@limit", limit)
            .Bind(statement =>
            {
                if (state is { } one) statement.Int("@state", (int)one);
            })
            .List(ReadStanding));
    }

    public async Task<IReadOnlyList<ProfileStanding>> ListOfDevice(string deviceId, string? after, int limit)
    {
        StoredText.Check("The device id", deviceId);
        StoredText.Check("The id to go on after", after);
        return await database.Read(s => s
            .Sql($"{Standings} WHERE i.device_id = @device AND i.profile_id > @after ORDER BY i.profile_id LIMIT @limit")
            .Text("@device", deviceId).Text("@after", after ?? "").Int("@limit", limit).List(ReadStanding));
    }

    /// <summary>Null: the row of the profile was added by this call.</summary>
    private static async Task<ProfileWriteOutcome?> Create(Session s, ProfileWrite write, byte[] hash)
    {
        var version = write.Version;
        if (await s.Sql("SELECT count(*) FROM profiles").First(row => row.Long(0)) >= IProfileStore.MostProfiles) return ProfileWriteOutcome.TooMany;
        var added = await s
            .Sql("""
                INSERT INTO profiles (id, identifier, name, sort_name, search, version, created_at, created_by, updated_at, updated_by)
                VALUES (@id, @identifier, @name, @sort, @search, 1, @at, @by, @at, @by)
                ON CONFLICT DO NOTHING
                """)
            .Text("@id", version.ProfileId).Text("@identifier", write.Identifier).Text("@name", version.Name).Text("@sort", Keys.Sort(version.Name))
            .Text("@search", Search(write)).Time("@at", version.CreatedAt).Text("@by", version.CreatedBy).Execute();
        if (added > 0) return null;
        return await IsWritten(s, write, hash) ? ProfileWriteOutcome.Written : ProfileWriteOutcome.IdentifierTaken;
    }

    /// <summary>Null: the row of the profile was moved on by this call.</summary>
    private static async Task<ProfileWriteOutcome?> Change(Session s, ProfileWrite write, byte[] hash)
    {
        var version = write.Version;
        // It may have become public since it was looked at.
        var mayBePublic = version.Variables.Count > 0 ? " AND link_hash IS NULL" : version.HasSecrets ? " AND (link_hash IS NULL OR link_secrets = @yes)" : "";
        var changed = await s
            .Sql($"""
                UPDATE profiles SET name = @name, sort_name = @sort, search = @search, version = @version, updated_at = @at, updated_by = @by
                WHERE id = @id AND version = @before AND identifier = @identifier{mayBePublic}
                """)
            .Bind(statement =>
            {
                if (version.HasSecrets && version.Variables.Count == 0) statement.Bool("@yes", true);
            })
            .Text("@name", version.Name).Text("@sort", Keys.Sort(version.Name)).Text("@search", Search(write)).Int("@version", version.Version)
            .Time("@at", version.CreatedAt).Text("@by", version.CreatedBy).Text("@id", version.ProfileId).Int("@before", version.Version - 1)
            .Text("@identifier", write.Identifier).Execute();
        if (changed > 0)
        {
            await s.Sql("DELETE FROM profile_versions WHERE profile_id = @id AND version <= @oldest")
                .Text("@id", version.ProfileId).Int("@oldest", version.Version - IProfileStore.MostVersions).Execute();
            return null;
        }

        if (await IsWritten(s, write, hash)) return ProfileWriteOutcome.Written;
        var there = await s.Sql("SELECT count(*) FROM profiles WHERE id = @id").Text("@id", version.ProfileId).First(row => row.Long(0));
        return there > 0 ? ProfileWriteOutcome.VersionConflict : ProfileWriteOutcome.NotFound;
    }

    /// <summary>By an attempt whose answer was lost, or by the same request before.</summary>
    private static async Task<bool> IsWritten(Session s, ProfileWrite write, byte[] hash) =>
        await s.Sql("SELECT hash, created_by FROM profile_versions WHERE profile_id = @id AND version = @version")
            .Text("@id", write.Version.ProfileId).Int("@version", write.Version.Version).First(row => new { Hash = row.Bytes(0), By = row.Text(1) }) is { } standing
        && standing.Hash.AsSpan().SequenceEqual(hash) && standing.By == write.Version.CreatedBy;

    private static Task<int> Insert(Session s, ProfileWrite write, byte[] hash, byte[] content)
    {
        var version = write.Version;
        return s
            .Sql("""
                INSERT INTO profile_versions (profile_id, version, uuid, name, description, signed, has_secrets, variables, payloads, size, hash, content,
                  created_at, created_by, note, restored_from)
                VALUES (@id, @version, @uuid, @name, @description, @signed, @secrets, @variables, @payloads, @size, @hash, @content, @at, @by, @note, @from)
                """)
            .Text("@id", version.ProfileId).Int("@version", version.Version).Text("@uuid", version.Uuid).Text("@name", version.Name)
            .Text("@description", version.Description).Bool("@signed", version.Signed).Bool("@secrets", version.HasSecrets)
            .Text("@variables", JsonSerializer.Serialize(version.Variables)).Text("@payloads", JsonSerializer.Serialize(version.Payloads))
            .Int("@size", version.Size).Bytes("@hash", hash).Bytes("@content", content).Time("@at", version.CreatedAt).Text("@by", version.CreatedBy)
            .Text("@note", version.Note).Int("@from", version.RestoredFrom).Execute();
    }

    private static string Search(ProfileWrite write) => $"{write.Version.Name}\n{write.Identifier}".ToLowerInvariant();

    private static ProfileRow Read(Row row) => new()
    {
        Newest = ReadVersion(row),
        Id = row.Text(VersionWidth),
        Identifier = row.Text(VersionWidth + 1),
        CreatedAt = row.Time(VersionWidth + 2),
        CreatedBy = row.Text(VersionWidth + 3),
        LinkedAt = row.TimeOrNull(VersionWidth + 4),
        LinkSecrets = row.Bool(VersionWidth + 5),
        OfferedTo = (OfferedTo)row.Int(VersionWidth + 6),
        OfferedSecrets = row.Bool(VersionWidth + 7),
    };

    private static ProfileVersionRow ReadVersion(Row row) => new()
    {
        ProfileId = row.Text(0),
        Version = row.Int(1),
        Uuid = row.Text(2),
        Name = row.Text(3),
        Description = row.TextOrNull(4),
        Signed = row.Bool(5),
        HasSecrets = row.Bool(6),
        Variables = JsonSerializer.Deserialize<List<string>>(row.Text(7)) ?? [],
        Payloads = Parts(row.Text(8)),
        Size = row.Int(9),
        CreatedAt = row.Time(10),
        CreatedBy = row.Text(11),
        Note = row.TextOrNull(12),
        RestoredFrom = row.IntOrNull(13),
    };

    private static ProfileStanding ReadStanding(Row row) => new()
    {
        ProfileId = row.Text(0),
        Identifier = row.Text(1),
        Name = row.Text(2),
        DeviceId = row.Text(3),
        DeviceName = row.TextOrNull(4),
        SerialNumber = row.TextOrNull(5),
        Version = row.Int(6),
        NewestVersion = row.Int(7),
        CommandUuid = row.Text(8),
        ChangedAt = row.Time(9),
        Reason = row.TextOrNull(10),
        ToldAt = row.TimeOrNull(11),
        Told = !row.IsNull(12),
        ToldDetails = row.TextOrNull(13),
        Payloads = row.TextOrNull(14) is { } parts ? Parts(parts) : [],
        State = (ProfileState)row.Int(15),
        ToldVersion = row.IntOrNull(16),
    };

    private static List<ProfilePart> Parts(string json) => JsonSerializer.Deserialize<List<ProfilePart>>(json) ?? [];

    private sealed record Body(byte[] Hash, byte[] Content);
}
