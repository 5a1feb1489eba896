using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Storage.Declarations;

/// <inheritdoc cref="IDeclarationStore"/>
internal sealed class DeclarationStore(Database database, BodySealer sealer) : IDeclarationStore
{
    private const string Columns =
        "device_id, version, enrolled_at, wanted, wanted_at, fetched, fetched_at, asked, asked_at, command_uuid, report_hash, reported_at, status";

    private const string Values = "@device, @version, @enrolled, @wanted, @wantedAt, @fetched, @fetchedAt, @asked, @askedAt, @uuid, @hash, @reportedAt, @status";

    /// <summary>Of what is sealed; bytes.</summary>
    private const int NameLength = 32;

    /// <summary>That a set is used is written down no more often: thousands of iPads get it in a morning.</summary>
    private static readonly TimeSpan NoteUseAfter = TimeSpan.FromDays(1);

    public Task<DeclarationDevice?> Find(string deviceId)
    {
        StoredText.Check("The device id", deviceId);
        return database.Read(s => FindIn(s, deviceId));
    }

    public async Task<byte[]?> LoadSet(string token)
    {
        StoredText.Check("The token", token);
        return await database.Read(s => s.Sql("SELECT content FROM declaration_sets WHERE token = @token").Text("@token", token).First(row => row.Bytes(0))) is { } stored
            ? sealer.OpenBody(stored.AsSpan(0, NameLength), stored[NameLength..])
            : null;
    }

    public async Task<bool> Write(DeclarationChange change)
    {
        StoredText.Check("The device id", change.After.DeviceId);
        try
        {
            await database.Write(s => Write(s, change));
            return true;
        }
        catch (ChangedInBetweenException)
        {
            return false;
        }
    }

    private async Task Write(Session s, DeclarationChange change)
    {
        var (before, after) = (change.Before, change.After);
        // Looked at first: to write the row, or to try to, is to wait for all others who get this set at the same moment, each with its commit.
        if (change.Set is { } set && !await IsNoted(s, after.Wanted, after.WantedAt - NoteUseAfter))
        {
            await s
                .Sql("""
                    INSERT INTO declaration_sets (token, content, used_at) VALUES (@token, @content, @at)
                    ON CONFLICT (token) DO UPDATE SET used_at = excluded.used_at WHERE declaration_sets.used_at < @before
                    """)
                .Text("@token", after.Wanted).Bytes("@content", Seal(set)).Time("@at", after.WantedAt).Time("@before", after.WantedAt - NoteUseAfter).Execute();
        }

        var statement = s.Sql(before is null
            ? $"INSERT INTO declaration_devices ({Columns}) VALUES ({Values}) ON CONFLICT (device_id) DO NOTHING"
            : """
                UPDATE declaration_devices SET version = @version, enrolled_at = @enrolled, wanted = @wanted, wanted_at = @wantedAt, fetched = @fetched, fetched_at = @fetchedAt,
                  asked = @asked, asked_at = @askedAt, command_uuid = @uuid, report_hash = @hash, reported_at = @reportedAt, status = @status
                WHERE device_id = @device AND version = @was
                """);
        statement.Text("@device", after.DeviceId).Long("@version", after.Version).Time("@enrolled", after.EnrolledAt).Text("@wanted", after.Wanted).Time("@wantedAt", after.WantedAt)
            .Text("@fetched", after.Fetched).Time("@fetchedAt", after.FetchedAt).Text("@asked", after.Asked).Time("@askedAt", after.AskedAt).Text("@uuid", after.CommandUuid)
            .Bytes("@hash", after.ReportHash is { } hash ? Convert.FromHexString(hash) : null).Time("@reportedAt", after.ReportedAt).Text("@status", after.Status);
        if (before is not null) statement.Long("@was", before.Version);
        // One that stands already as it is to be was written by an attempt whose answer was lost.
        if (await statement.Execute() == 0 && await FindIn(s, after.DeviceId) != after) throw new ChangedInBetweenException();
        await AssignmentStore.WriteIn(s, after.DeviceId, change.Standings);
    }

    public Task<int> ForgetSets(DateTimeOffset unusedSince) => database.Write(s => s
        .Sql("""
            DELETE FROM declaration_sets WHERE used_at < @before
              AND NOT EXISTS (SELECT 1 FROM declaration_devices x WHERE x.wanted = declaration_sets.token)
              AND NOT EXISTS (SELECT 1 FROM declaration_devices x WHERE x.fetched = declaration_sets.token)
            """)
        .Time("@before", unusedSince).Execute());

    /// <summary>It is kept, and was used lately: nobody forgets it for days.</summary>
    private static Task<bool> IsNoted(Session s, string token, DateTimeOffset since) =>
        s.Sql("SELECT token FROM declaration_sets WHERE token = @token AND used_at >= @since").Text("@token", token).Time("@since", since).First(_ => true);

    private static Task<DeclarationDevice?> FindIn(Session s, string deviceId) =>
        s.Sql($"SELECT {Columns} FROM declaration_devices WHERE device_id = @device").Text("@device", deviceId).First(Read);

    private byte[] Seal(byte[] plain)
    {
        var name = sealer.Name(plain);
        return [.. name, .. sealer.SealBody(name, plain)];
    }

    private static DeclarationDevice? Read(Row row) => new()
    {
        DeviceId = row.Text(0),
        Version = row.Long(1),
        EnrolledAt = row.Time(2),
        Wanted = row.Text(3),
        WantedAt = row.Time(4),
        Fetched = row.TextOrNull(5),
        FetchedAt = row.TimeOrNull(6),
        Asked = row.TextOrNull(7),
        AskedAt = row.TimeOrNull(8),
        CommandUuid = row.TextOrNull(9),
        ReportHash = row.BytesOrNull(10) is { } hash ? Convert.ToHexStringLower(hash) : null,
        ReportedAt = row.TimeOrNull(11),
        Status = row.TextOrNull(12),
    };
}
