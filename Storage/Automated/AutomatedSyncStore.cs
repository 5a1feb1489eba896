using System.Globalization;
using System.Text.Json;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Automated;

/// <inheritdoc cref="IAutomatedSyncStore"/>
internal sealed class AutomatedSyncStore(Database database) : IAutomatedSyncStore
{
    /// <summary>A page of 1,000, or the end of a fetch of 100,000.</summary>
    private static readonly TimeSpan PageTimeout = TimeSpan.FromMinutes(2);

    private const int LongestText = 500;

    /// <summary>What a page may change, in the order of <see cref="Record"/> from 1 on.</summary>
    private static readonly string[] Facts =
        ["model", "description", "color", "asset_tag", "device_family", "os", "profile_uuid", "profile_status", "assigned_by", "profile_assigned_at", "profile_pushed_at", "assigned_at", "migration_deadline"];

    private const int FirstTime = 9;

    public async Task<IReadOnlyList<string>> ListDue(DateTimeOffset now, int limit) => await database.Read(s => s
        .Sql("SELECT id FROM automated_servers WHERE next_at <= @now ORDER BY next_at LIMIT @limit").Time("@now", now).Int("@limit", limit).List(row => row.Text(0)));

    public Task<AutomatedServer?> Load(string id)
    {
        StoredText.Check("The server's id", id);
        return database.Read(s => s.Sql($"SELECT {AutomatedColumns.Server} FROM automated_servers s WHERE s.id = @id").Text("@id", id).First(row => AutomatedColumns.ReadServer(row)));
    }

    public Task<AutomatedOutcome> SetToken(string id, AutomatedToken token, DateTimeOffset nextAt)
    {
        Check(token.Account);
        return database.Write(async s =>
        {
            if (token.Account?.Uuid is { } uuid
                && await s.Sql("SELECT id FROM automated_servers WHERE apple_uuid = @uuid AND id <> @id").Text("@uuid", uuid).Text("@id", id).First(row => row.Text(0)) is not null)
                return AutomatedOutcome.ServiceTaken;
            var written = await s
                .Sql("""
                    UPDATE automated_servers SET token = @token, token_expires_at = @ends, token_at = @at, token_by = @by, apple_uuid = coalesce(@uuid, apple_uuid),
                      apple_name = coalesce(@name, apple_name), organization = coalesce(@organization, organization), organization_id = coalesce(@organizationId, organization_id),
                      page_size = CASE WHEN @size > 0 THEN @size ELSE page_size END, revision = revision + 1, failures = 0, problem = 0, problem_detail = NULL, problem_at = NULL, next_at = @next
                    WHERE id = @id
                    """)
                .Bytes("@token", token.Sealed).Time("@ends", token.ExpiresAt).Time("@at", token.At).Text("@by", token.By).Text("@uuid", token.Account?.Uuid)
                .Text("@name", token.Account?.Name).Text("@organization", token.Account?.Organization).Text("@organizationId", token.Account?.OrganizationId)
                .Int("@size", token.Account?.PageSize ?? 0).Time("@next", nextAt).Text("@id", id).Execute();
            return written > 0 ? AutomatedOutcome.Written : AutomatedOutcome.NotFound;
        });
    }

    public Task<bool> TakePage(AutomatedServer standing, AutomatedPage page)
    {
        StoredText.Check("The cursor", page.Cursor);
        var (there, gone) = (page.Devices.Where(one => one.Operation != AutomatedOperation.Deleted).Select(Record).ToList(), page.Devices.Where(one => one.Operation == AutomatedOperation.Deleted).ToList());
        return database.Write(async s =>
        {
            if (!await Guard(s, standing)) return false;
            if (there.Count > 0) await Upsert(s, standing.Id, there, page);
            if (gone.Count > 0) await Release(s, standing.Id, gone, page.At);
            if (page.EndsFetch)
            {
                await s.Sql($"""
                    UPDATE automated_devices SET released_at = @at, changed_at = @at, migration_deadline = NULL, {Forgotten}
                    WHERE server_id = @id AND released_at IS NULL AND generation < @generation
                    """).Text("@id", standing.Id).Time("@at", page.At).Long("@generation", page.Generation).Execute();
            }

            await s
                .Sql("""
                    UPDATE automated_servers SET cursor = @cursor, fetching = @fetching, generation = @generation, fetched_at = CASE WHEN @ends THEN @at ELSE fetched_at END, synced_at = @at,
                      next_at = @next, failures = 0, problem = CASE WHEN problem = 7 THEN problem ELSE 0 END, problem_detail = CASE WHEN problem = 7 THEN problem_detail END,
                      problem_at = CASE WHEN problem = 7 THEN problem_at END, review = CASE WHEN @news THEN @yes ELSE review END
                    WHERE id = @id
                    """)
                .Text("@cursor", page.Cursor).Bool("@fetching", page.Fetching).Long("@generation", page.Generation).Bool("@ends", page.EndsFetch).Time("@at", page.At)
                .Time("@next", page.NextAt).Bool("@news", page.EndsFetch || (!page.Fetching && page.Devices.Count > 0)).Bool("@yes", true).Text("@id", standing.Id).Execute();
            return true;
        }, timeout: PageTimeout);
    }

    public Task<bool> DropCursor(AutomatedServer standing, DateTimeOffset nextAt) => database.Write(async s => await Guard(s, standing)
        && await s.Sql("UPDATE automated_servers SET cursor = NULL, fetching = @no, next_at = @next WHERE id = @id").Bool("@no", false).Time("@next", nextAt).Text("@id", standing.Id).Execute() > 0);

    public Task<bool> Save(AutomatedServer standing, AutomatedServer next)
    {
        StoredText.Check("What is wrong", next.ProblemDetail);
        return database.Write(async s => await Guard(s, standing) && await s
            .Sql("""
                UPDATE automated_servers SET
                  apple_uuid = CASE WHEN apple_uuid IS NULL AND NOT EXISTS (SELECT 1 FROM automated_servers o WHERE o.apple_uuid = @uuid) THEN @uuid ELSE apple_uuid END, apple_name = @name, organization = @organization, organization_id = @organizationId, page_size = @size, synced_at = @synced,
                  cursor = @cursor, next_at = @next, failures = @failures, problem = @problem, problem_detail = @detail, problem_at = @problemAt
                WHERE id = @id
                """)
            .Text("@uuid", next.AppleUuid).Text("@name", next.AppleName).Text("@organization", next.Organization).Text("@organizationId", next.OrganizationId).Int("@size", next.PageSize)
            .Time("@synced", next.SyncedAt).Text("@cursor", next.Cursor).Time("@next", next.NextAt).Int("@failures", next.Failures).Short("@problem", (short)next.Problem)
            .Text("@detail", Cut(next.ProblemDetail)).Time("@problemAt", next.ProblemAt).Text("@id", standing.Id).Execute() > 0);
    }

    public async Task<IReadOnlyList<AutomatedProfile>> ListWanted(string serverId) => await database.Read(s => s
        .Sql($"""
            SELECT {AutomatedColumns.Profile} FROM automated_profiles p WHERE p.id IN (
              SELECT {AutomatedColumns.Wanted} FROM automated_devices d {AutomatedColumns.Joins} WHERE d.server_id = @id AND d.released_at IS NULL)
            ORDER BY p.id
            """)
        .Text("@id", serverId).List(row => AutomatedColumns.ReadProfile(row)));

    public async Task<IReadOnlyList<AutomatedDefinition>> ListDefinitions(string serverId) => await database.Read(s => s
        .Sql("SELECT profile_id, digest, apple_uuid FROM automated_definitions WHERE server_id = @id").Text("@id", serverId)
        .List(row => new AutomatedDefinition(row.Text(0), row.Text(1), row.Text(2))));

    public Task<bool> SetDefinition(AutomatedServer standing, AutomatedDefinition definition, DateTimeOffset at)
    {
        StoredText.Check("Apple's id of the profile", definition.AppleUuid);
        return database.Write(async s =>
        {
            if (!await Guard(s, standing)) return false;
            await s.Sql("""
                INSERT INTO automated_definitions (server_id, profile_id, digest, apple_uuid, defined_at) VALUES (@id, @profile, @digest, @uuid, @at)
                ON CONFLICT (server_id, profile_id) DO UPDATE SET digest = excluded.digest, apple_uuid = excluded.apple_uuid, defined_at = excluded.defined_at
                """)
                .Text("@id", standing.Id).Text("@profile", definition.ProfileId).Text("@digest", definition.Digest).Text("@uuid", definition.AppleUuid).Time("@at", at).Execute();
            return true;
        });
    }

    public Task ForgetDefinition(string serverId, string appleUuid) => database.Write(async s =>
    {
        await s.Sql("DELETE FROM automated_definitions WHERE server_id = @id AND apple_uuid = @uuid").Text("@id", serverId).Text("@uuid", appleUuid).Execute();
        await s.Sql("UPDATE automated_servers SET review = @yes WHERE id = @id").Bool("@yes", true).Text("@id", serverId).Execute();
    });

    public Task<bool> Review(AutomatedServer standing, DateTimeOffset now) => database.Write(async s =>
    {
        if (!await Guard(s, standing)) return false;
        const string lacks = "automated_devices.profile_uuid IS DISTINCT FROM w.uuid";
        await s
            .Sql($"""
                UPDATE automated_devices SET
                  state = CASE WHEN w.uuid IS NULL THEN 0 WHEN NOT ({lacks}) THEN 2 WHEN automated_devices.state = 4 THEN 4 ELSE 1 END,
                  wanted_uuid = w.uuid, state_at = @now,
                  next_at = CASE WHEN w.uuid IS NULL OR NOT ({lacks}) THEN NULL WHEN automated_devices.state = 4 THEN automated_devices.next_at ELSE @now END,
                  attempts = CASE WHEN automated_devices.state = 4 THEN automated_devices.attempts ELSE 0 END,
                  reason = CASE WHEN automated_devices.state = 4 AND {lacks} AND w.uuid IS NOT NULL THEN automated_devices.reason END
                FROM (
                  SELECT d.serial_number, f.apple_uuid AS uuid FROM automated_devices d {AutomatedColumns.Joins}
                  LEFT JOIN automated_definitions f ON f.server_id = d.server_id AND f.profile_id = {AutomatedColumns.Wanted}
                  WHERE d.server_id = @id AND d.released_at IS NULL) w
                WHERE automated_devices.serial_number = w.serial_number AND (
                  automated_devices.wanted_uuid IS DISTINCT FROM w.uuid
                  OR (w.uuid IS NOT NULL AND {lacks} AND automated_devices.state IN (0, 2))
                  OR (w.uuid IS NOT NULL AND NOT ({lacks}) AND automated_devices.state <> 2))
                """)
            .Time("@now", now).Text("@id", standing.Id).Execute();
        await s.Sql("UPDATE automated_servers SET review = @no WHERE id = @id").Bool("@no", false).Text("@id", standing.Id).Execute();
        return true;
    }, timeout: PageTimeout);

    public async Task<IReadOnlyList<AutomatedOrder>> ListOrders(string serverId, DateTimeOffset now, int limit) => await database.Read(s => s
        .Sql("""
            SELECT serial_number, wanted_uuid, attempts FROM automated_devices
            WHERE server_id = @id AND next_at <= @now AND wanted_uuid IS NOT NULL AND released_at IS NULL AND state IN (1, 3, 4)
            ORDER BY wanted_uuid, serial_number LIMIT @limit
            """)
        .Text("@id", serverId).Time("@now", now).Int("@limit", limit).List(row => new AutomatedOrder(row.Text(0), row.Text(1), row.Short(2))));

    public Task TakeAnswers(string serverId, string uuid, IReadOnlyList<AutomatedAnswer> answers, DateTimeOffset now)
    {
        var rows = answers.Select(one => JsonSerializer.Serialize((string?[])
        [
            one.SerialNumber, ((short)one.State).ToString(CultureInfo.InvariantCulture), one.Attempts.ToString(CultureInfo.InvariantCulture), Milliseconds(one.NextAt), Cut(one.Reason),
        ])).ToList();
        return database.Write(s => s
            .Sql($"""
                UPDATE automated_devices SET state = i.state, attempts = i.attempts, next_at = i.next_at, reason = i.reason, state_at = @now,
                  profile_uuid = CASE WHEN i.state = 2 THEN @uuid ELSE automated_devices.profile_uuid END,
                  profile_status = CASE WHEN i.state = 2 THEN 'assigned' ELSE automated_devices.profile_status END,
                  profile_assigned_at = CASE WHEN i.state = 2 THEN @now ELSE automated_devices.profile_assigned_at END,
                  profile_pushed_at = CASE WHEN i.state = 2 THEN NULL ELSE automated_devices.profile_pushed_at END
                FROM (SELECT {database.JsonText("ids.id", 0)} AS serial_number, CAST({database.JsonText("ids.id", 1)} AS smallint) AS state, CAST({database.JsonText("ids.id", 2)} AS smallint) AS attempts,
                        {database.TimeOf(database.JsonText("ids.id", 3))} AS next_at, {database.JsonText("ids.id", 4)} AS reason FROM {database.IdsTable}) i
                WHERE automated_devices.serial_number = i.serial_number AND automated_devices.server_id = @id AND automated_devices.wanted_uuid = @uuid AND automated_devices.released_at IS NULL
                """)
            .Ids(rows).Time("@now", now).Text("@uuid", uuid).Text("@id", serverId).Execute());
    }

    public Task<DateTimeOffset?> NextOrderAt(string serverId) => database.Read(s => s
        .Sql("SELECT next_at FROM automated_devices WHERE server_id = @id AND next_at IS NOT NULL AND released_at IS NULL ORDER BY next_at LIMIT 1")
        .Text("@id", serverId).First(row => (DateTimeOffset?)row.Time(0)));

    /// <summary>The profile of an iPad that left: on its return it gets one anew.</summary>
    internal const string Forgotten = "profile_uuid = NULL, profile_status = NULL, profile_assigned_at = NULL, profile_pushed_at = NULL, state = 0, wanted_uuid = NULL, next_at = NULL, attempts = 0, reason = NULL, migration_since = NULL";

    /// <summary>Takes the server's row for this transaction, as long as nobody has written since it was read.</summary>
    private static async Task<bool> Guard(Session s, AutomatedServer standing) => await s
        .Sql("UPDATE automated_servers SET revision = revision + 1 WHERE id = @id AND revision = @revision").Text("@id", standing.Id).Long("@revision", standing.Revision).Execute() > 0;

    private async Task Upsert(Session s, string serverId, List<string> rows, AutomatedPage page)
    {
        string Column(int at) => at >= FirstTime ? database.TimeOf(database.JsonText("ids.id", at + 1)) : database.JsonText("ids.id", at + 1);
        var differs = string.Join(" OR ", Facts.Select(fact => $"automated_devices.{fact} IS DISTINCT FROM excluded.{fact}"));
        // An event that is older than what stands changes nothing. A list says how it is now.
        var newer = page.Fetching || page.EndsFetch ? "1 = 1" : "(automated_devices.op_at IS NULL OR excluded.op_at IS NULL OR excluded.op_at >= automated_devices.op_at)";
        const string returns = "(automated_devices.released_at IS NOT NULL OR automated_devices.server_id <> excluded.server_id)";
        // It was assigned anew in between: to move once more.
        const string again = "(automated_devices.assigned_at IS NOT NULL AND excluded.assigned_at IS NOT NULL AND automated_devices.assigned_at <> excluded.assigned_at)";
        await s
            .Sql($"""
                INSERT INTO automated_devices (serial_number, server_id, {string.Join(", ", Facts)}, op_at, generation, first_at, changed_at, state, state_at, attempts, migration_since)
                SELECT {database.JsonText("ids.id", 0)}, @server, {string.Join(", ", Enumerable.Range(0, Facts.Length).Select(Column))}, {database.TimeOf(database.JsonText("ids.id", Facts.Length + 1))},
                  @generation, @at, @at, 0, @at, 0, CASE WHEN {Column(Array.IndexOf(Facts, "migration_deadline"))} IS NOT NULL THEN @at END
                FROM {database.IdsTable} WHERE 1 = 1
                ON CONFLICT (serial_number) DO UPDATE SET
                  {string.Join(", ", Facts.Select(fact => $"{fact} = excluded.{fact}"))},
                  server_id = excluded.server_id, generation = excluded.generation,
                  op_at = CASE WHEN automated_devices.op_at IS NULL OR excluded.op_at > automated_devices.op_at THEN excluded.op_at ELSE automated_devices.op_at END,
                  changed_at = CASE WHEN {returns} OR {differs} THEN excluded.changed_at ELSE automated_devices.changed_at END,
                  released_at = NULL,
                  migration_since = CASE WHEN excluded.migration_deadline IS NULL THEN NULL
                    WHEN {returns} OR {again} OR automated_devices.migration_deadline IS NULL OR automated_devices.migration_since IS NULL THEN excluded.changed_at
                    ELSE automated_devices.migration_since END,
                  state = CASE WHEN {returns} OR automated_devices.state = 5 THEN 0 ELSE automated_devices.state END,
                  wanted_uuid = CASE WHEN {returns} OR automated_devices.state = 5 THEN NULL ELSE automated_devices.wanted_uuid END,
                  next_at = CASE WHEN {returns} OR automated_devices.state = 5 THEN NULL ELSE automated_devices.next_at END
                WHERE {newer}
                """)
            .Ids(rows).Text("@server", serverId).Long("@generation", page.Generation).Time("@at", page.At).Execute();
    }

    private async Task Release(Session s, string serverId, List<AppleDevice> gone, DateTimeOffset now)
    {
        var rows = gone.Select(one => JsonSerializer.Serialize((string?[])[one.SerialNumber, Milliseconds(one.OperationAt ?? now), Milliseconds(one.MigrationDeadline)])).ToList();
        await s
            .Sql($"""
                UPDATE automated_devices SET released_at = i.at, op_at = i.at, changed_at = @now, migration_deadline = i.deadline, {Forgotten}
                FROM (SELECT {database.JsonText("ids.id", 0)} AS serial_number, {database.TimeOf(database.JsonText("ids.id", 1))} AS at, {database.TimeOf(database.JsonText("ids.id", 2))} AS deadline
                  FROM {database.IdsTable}) i
                WHERE automated_devices.serial_number = i.serial_number AND automated_devices.server_id = @server AND automated_devices.released_at IS NULL
                  AND (automated_devices.op_at IS NULL OR i.at >= automated_devices.op_at)
                """)
            .Ids(rows).Text("@server", serverId).Time("@now", now).Execute();
    }

    /// <summary>As the statement reads it: the serial number, the facts, the time of the operation.</summary>
    private static string Record(AppleDevice one)
    {
        // A fetch tells no operation; what it lists is not older than this.
        var at = one.OperationAt ?? one.AssignedAt;
        return JsonSerializer.Serialize((string?[])
        [
            one.SerialNumber, Cut(one.Model), Cut(one.Description), Cut(one.Color), Cut(one.AssetTag), Cut(one.Family), Cut(one.Os), Cut(one.ProfileUuid), Cut(one.ProfileStatus), Cut(one.AssignedBy),
            Milliseconds(one.ProfileAssignedAt), Milliseconds(one.ProfilePushedAt), Milliseconds(one.AssignedAt), Milliseconds(one.MigrationDeadline),
            Milliseconds(at),
        ]);
    }

    private static string? Milliseconds(DateTimeOffset? at) => at?.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);

    /// <summary>Storable, and bounded, whatever Apple sends.</summary>
    private static string? Cut(string? text)
    {
        if (string.IsNullOrEmpty(text)) return null;
        var clean = new string([.. text.Where(one => !char.IsControl(one) && !char.IsSurrogate(one))]);
        return clean.Length <= LongestText ? clean : clean[..LongestText];
    }

    private static void Check(AutomatedAccount? account)
    {
        StoredText.Check("Apple's id of the server", account?.Uuid);
        StoredText.Check("Apple's name of the server", account?.Name);
        StoredText.Check("The organisation", account?.Organization);
        StoredText.Check("The organisation's id", account?.OrganizationId);
    }
}
