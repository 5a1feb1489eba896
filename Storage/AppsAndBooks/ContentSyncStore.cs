using System.Globalization;
using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.AppsAndBooks;

/// <inheritdoc cref="IContentSyncStore"/>
internal sealed class ContentSyncStore(Database database) : IContentSyncStore
{
    /// <summary>A page of several hundred, or the review of 100,000 iPads.</summary>
    private static readonly TimeSpan LongTimeout = TimeSpan.FromMinutes(2);

    /// <summary>An iPad that is erased and enrols anew keeps its licences for so long.</summary>
    private static readonly TimeSpan GoneFor = TimeSpan.FromHours(1);

    /// <summary>Between two assignments of one app: they are looked at one after the other, or an administrator saves one and then the other.</summary>
    private static readonly TimeSpan MovesFor = TimeSpan.FromMinutes(1);

    private const int LongestReason = 300;

    /// <summary>Licences that may be asked for at once when what stood in the way is over. Those of iPads that have just gone keep their time.</summary>
    private const string Stuck = "(state = 1 OR (state = 4 AND attempts > 0))";

    private const string Same = "l.location_id = @id AND l.adam_id = @adam AND l.pricing = @pricing";

    /// <summary>An assignment wants the licence <c>content_licences</c>.</summary>
    private const string IsWanted = $"""
        EXISTS (SELECT 1 FROM {ContentColumns.Wanting} WHERE a.content_location = content_licences.location_id AND a.content_adam = content_licences.adam_id
          AND a.content_pricing = content_licences.pricing AND a.deleted_at IS NULL AND d.serial_number = content_licences.serial_number)
        """;

    private const string IsEnrolled = "EXISTS (SELECT 1 FROM devices d WHERE d.serial_number = content_licences.serial_number AND d.status = 2)";

    /// <summary>Rows of iPads <c>ids</c> whose app needs this licence and waits for it.</summary>
    private string Waiting => $"""
        state = 1 AND assignment_id IN (SELECT a.id FROM assignments a WHERE a.content_location = @id AND a.content_adam = @adam AND a.content_pricing = @pricing AND a.deleted_at IS NULL)
          AND device_id IN (SELECT d.id FROM devices d WHERE d.serial_number IN (SELECT id FROM {database.IdsTable}))
        """;

    public async Task<IReadOnlyList<string>> ListDue(DateTimeOffset now, int limit) => await database.Read(s => s
        .Sql("SELECT id FROM content_locations WHERE next_at <= @now OR changes > reviewed ORDER BY next_at LIMIT @limit").Time("@now", now).Int("@limit", limit).List(row => row.Text(0)));

    public async Task<IReadOnlyList<string>> ListTouched() => await database.Read(s => s.Sql("SELECT id FROM content_locations WHERE changes > reviewed ORDER BY id").List(row => row.Text(0)));

    public Task<ContentLocation?> Load(string id)
    {
        StoredText.Check("The location's id", id);
        return database.Read(s => s.Sql($"SELECT {ContentColumns.Location} FROM content_locations o WHERE o.id = @id").Text("@id", id).First(row => ContentColumns.ReadLocation(row)));
    }

    public Task<(ContentOutcome Outcome, string Id)> TakeToken(string newId, ContentTokenUpload upload, DateTimeOffset at)
    {
        var config = upload.Config;
        StoredText.Check("Apple's id of the location", config.Uid);
        StoredText.Check("The name of who asked", upload.By);
        var ends = config.TokenExpiresAt ?? upload.ExpiresAt;
        return database.Write(async s =>
        {
            var isNew = false;
            if (await Standing(s, config.Uid) is not { } standing)
            {
                if (await s.Sql("SELECT count(*) FROM content_locations").First(row => row.Long(0)) >= IContentStore.MostLocations) return (ContentOutcome.TooMany, newId);
                // Of two who bring the first token at once, one writes, and the other finds that location.
                isNew = await Bind(s.Sql("""
                    INSERT INTO content_locations (id, uid, name, organization, country, token, token_expires_at, token_at, token_by, mdm_id, mdm_name, revision, next_at, failures, problem, created_at, created_by)
                    VALUES (@id, @uid, @name, @organization, @country, @token, @ends, @at, @by, @mdm, @mdmName, 0, @at, 0, 0, @at, @by) ON CONFLICT (uid) DO NOTHING
                    """), newId).Text("@uid", config.Uid).Execute() > 0;
                standing = (await Standing(s, config.Uid))!;
            }

            if (ends < standing.Ends) return (ContentOutcome.OlderToken, standing.Id);
            if (!isNew)
            {
                await Bind(s.Sql("""
                    UPDATE content_locations SET name = @name, organization = coalesce(@organization, organization), country = @country, token = @token, token_expires_at = @ends, token_at = @at,
                      token_by = @by, warned_days = NULL, mdm_id = @mdm, mdm_name = @mdmName, revision = revision + 1, next_at = @at, failures = 0, problem = 0, problem_detail = NULL, problem_at = NULL
                    WHERE id = @id
                    """), standing.Id).Execute();
            }

            await s.Sql($"UPDATE content_licences SET next_at = @at WHERE location_id = @id AND {Stuck}").Time("@at", at).Text("@id", standing.Id).Execute();
            if (upload.Audit is { } audit) await AuditColumns.Add(s, audit with { TargetId = standing.Id, Detail = ContentColumns.Cut(audit.Detail, 200) });
            return (ContentOutcome.Written, standing.Id);
        });

        Task<StandingToken?> Standing(Session s, string uid) => s
            .Sql($"SELECT id, token_expires_at FROM content_locations WHERE uid = @uid{database.ForUpdate}").Text("@uid", uid)
            .First(row => new StandingToken(row.Text(0), row.Time(1)));

        Statement Bind(Statement statement, string id) => statement
            .Text("@id", id).Text("@name", ContentColumns.Cut(config.Name) ?? config.Uid).Text("@organization", ContentColumns.Cut(upload.Organization))
            .Text("@country", ContentColumns.Cut(config.Country, 10)).Bytes("@token", upload.Sealed(id)).Time("@ends", ends).Time("@at", at).Text("@by", upload.By)
            .Text("@mdm", ContentColumns.Cut(config.MdmId)).Text("@mdmName", ContentColumns.Cut(config.MdmName));
    }

    private sealed record StandingToken(string Id, DateTimeOffset Ends);

    public Task<bool> SetClaim(string id, ContentConfig config, DateTimeOffset at, string by, byte[]? sealedNotify, byte[]? notifyHash) => database.Write(async s =>
    {
        // Whoever waited for it is due.
        await s.Sql($"UPDATE content_licences SET next_at = @at WHERE location_id = @id AND {Stuck}").Time("@at", at).Text("@id", id).Execute();
        return await s
            .Sql("""
                UPDATE content_locations SET claimed_at = @at, claimed_by = @by, mdm_id = @mdm, mdm_name = @name, notify_secret = @secret, notify_hash = @hash, offered_secret = NULL, offered_hash = NULL, revision = revision + 1, next_at = @at, failures = 0,
                  problem = 0, problem_detail = NULL, problem_at = NULL
                WHERE id = @id
                """)
            .Time("@at", at).Text("@by", by).Text("@mdm", ContentColumns.Cut(config.MdmId)).Text("@name", ContentColumns.Cut(config.MdmName)).Bytes("@secret", sealedNotify).Bytes("@hash", notifyHash)
            .Text("@id", id).Execute() > 0;
    });

    public Task OfferNotify(string id, byte[] sealedNotify, byte[] notifyHash) => database.Write(s => s
        .Sql("UPDATE content_locations SET offered_secret = @secret, offered_hash = @hash WHERE id = @id").Bytes("@secret", sealedNotify).Bytes("@hash", notifyHash).Text("@id", id).Execute());

    public Task<bool> Save(ContentLocation standing, ContentLocation next) => database.Write(async s => await s
        .Sql("""
            UPDATE content_locations SET name = @name, country = @country, token_expires_at = @ends, warned_days = @warned, mdm_id = @mdm, mdm_name = @mdmName, assets_at = @assets, since_version = @since,
              licences_at = @licences, next_at = @next, failures = @failures, problem = @problem, problem_detail = @detail, problem_at = @problemAt, revision = revision + 1
            WHERE id = @id AND revision = @revision
            """)
        .Text("@name", ContentColumns.Cut(next.Name) ?? standing.Name).Text("@country", ContentColumns.Cut(next.Country, 10)).Time("@ends", next.TokenExpiresAt).Int("@warned", next.WarnedDays)
        .Text("@mdm", ContentColumns.Cut(next.MdmId)).Text("@mdmName", ContentColumns.Cut(next.MdmName)).Time("@assets", next.AssetsAt).Text("@since", ContentColumns.Cut(next.SinceVersion))
        .Time("@licences", next.LicencesAt).Time("@next", next.NextAt).Int("@failures", next.Failures).Short("@problem", (short)next.Problem).Text("@detail", ContentColumns.Cut(next.ProblemDetail))
        .Time("@problemAt", next.ProblemAt).Text("@id", standing.Id).Long("@revision", standing.Revision).Execute() > 0);

    public Task WriteAssets(string id, IReadOnlyList<ContentAsset> assets, long generation, DateTimeOffset at)
    {
        var rows = assets.DistinctBy(one => (one.AdamId, one.Pricing)).Select(one => JsonSerializer.Serialize((string?[])
            [one.AdamId, one.Pricing, one.ProductType, one.DeviceAssignable ? "1" : "0", one.Revocable ? "1" : "0", Number(one.Total), Number(one.Assigned), Number(one.Available)])).ToList();
        string Column(int number) => database.JsonText("ids.id", number);
        string Count(int number) => $"CAST({Column(number)} AS bigint)";
        return rows.Count == 0 ? Task.CompletedTask : database.Write(async s =>
        {
            if (!await IsThere(s, id)) return;
            await s.Sql($"""
                INSERT INTO content_assets (location_id, adam_id, pricing, product_type, device_assignable, revocable, total, assigned, available, generation, counted_at, name_key)
                SELECT @id, {Column(0)}, {Column(1)}, {Column(2)}, {Column(3)} = '1', {Column(4)} = '1', {Count(5)}, {Count(6)}, {Count(7)}, @generation, @at, {Column(0)} FROM {database.IdsTable} WHERE 1 = 1
                ON CONFLICT (location_id, adam_id, pricing) DO UPDATE SET product_type = excluded.product_type, device_assignable = excluded.device_assignable, revocable = excluded.revocable,
                  total = excluded.total, assigned = excluded.assigned, available = excluded.available, counted_at = excluded.counted_at,
                  generation = CASE WHEN excluded.generation > content_assets.generation THEN excluded.generation ELSE content_assets.generation END
                """)
                .Ids(rows).Text("@id", id).Long("@generation", generation).Time("@at", at).Execute();
        });
    }

    public Task EndAssets(string id, long generation) => database.Write(s => s
        .Sql("DELETE FROM content_assets WHERE location_id = @id AND generation < @generation").Text("@id", id).Long("@generation", generation).Execute());

    public async Task<IReadOnlyList<string>> ListNameless(string id, DateTimeOffset askedBefore, int limit) => await database.Read(s => s
        .Sql("""
            SELECT DISTINCT adam_id FROM content_assets WHERE location_id = @id AND (metadata_at IS NULL OR metadata_at < @before) ORDER BY adam_id LIMIT @limit
            """)
        .Text("@id", id).Time("@before", askedBefore).Int("@limit", limit).List(row => row.Text(0)));

    public Task WriteNames(string id, IReadOnlyList<(string AdamId, string? Name, string? BundleId)> names, DateTimeOffset at) => database.Write(async s =>
    {
        foreach (var (adam, name, bundle) in names)
        {
            // What was withdrawn keeps the name that it had.
            await s.Sql("UPDATE content_assets SET name = coalesce(@name, name), name_key = coalesce(@key, name_key), bundle_id = coalesce(@bundle, bundle_id), metadata_at = @at WHERE location_id = @id AND adam_id = @adam")
                .Text("@name", ContentColumns.Cut(name, 200)).Text("@key", Keys.Sort(ContentColumns.Cut(name, 200))).Text("@bundle", ContentColumns.Cut(bundle, 255)).Time("@at", at).Text("@id", id).Text("@adam", adam).Execute();
        }
    });

    public Task<long> TakeLicences(string id, IReadOnlyList<(string AdamId, string Pricing, string SerialNumber)> licences, long? generation, DateTimeOffset at)
    {
        var rows = licences.Distinct().Select(one => JsonSerializer.Serialize((string[])[one.AdamId, one.Pricing, one.SerialNumber])).ToList();
        if (rows.Count == 0) return Task.FromResult(0L);
        string Column(int number) => database.JsonText("ids.id", number);
        return database.Write(async s =>
        {
            if (!await IsThere(s, id)) return 0L;
            var came = await s
                .Sql($"""
                    SELECT DISTINCT l.adam_id, l.pricing, l.serial_number FROM content_licences l
                    JOIN (SELECT {Column(0)} AS adam_id, {Column(1)} AS pricing, {Column(2)} AS serial_number FROM {database.IdsTable}) i
                      ON i.adam_id = l.adam_id AND i.pricing = l.pricing AND i.serial_number = l.serial_number
                    WHERE l.location_id = @id AND l.state = 1
                    """)
                .Ids(rows).Text("@id", id).List(row => (row.Text(0), row.Text(1), row.Text(2)));
            await s
                .Sql($"""
                    INSERT INTO content_licences (location_id, adam_id, pricing, serial_number, state, ours, keep, attempts, generation, changed_at)
                    SELECT @id, {Column(0)}, {Column(1)}, {Column(2)}, 3, @no, @no, 0, @generation, @at FROM {database.IdsTable} WHERE 1 = 1
                    ON CONFLICT (location_id, adam_id, pricing, serial_number) DO UPDATE SET
                      generation = CASE WHEN excluded.generation > content_licences.generation THEN excluded.generation ELSE content_licences.generation END,
                      next_at = CASE WHEN content_licences.state = 1 THEN NULL ELSE content_licences.next_at END,
                      reason = CASE WHEN content_licences.state = 1 THEN NULL ELSE content_licences.reason END,
                      changed_at = CASE WHEN content_licences.state = 1 THEN excluded.changed_at ELSE content_licences.changed_at END,
                      state = CASE WHEN content_licences.state = 1 THEN 3 ELSE content_licences.state END
                    WHERE content_licences.state = 1 OR excluded.generation > content_licences.generation
                    """)
                .Ids(rows).Text("@id", id).Bool("@no", false).Long("@generation", generation ?? 0).Time("@at", at).Execute();
            return await Wake(s, id, came, at);
        }, timeout: LongTimeout);
    }

    public Task EndLicences(string id, long generation, DateTimeOffset began) => database.Write(s => s
        .Sql("DELETE FROM content_licences WHERE location_id = @id AND state IN (3, 4) AND generation < @generation AND changed_at < @began")
        .Text("@id", id).Long("@generation", generation).Time("@began", began).Execute(), timeout: LongTimeout);

    public Task<long> Review(string id, DateTimeOffset now) => database.Write(async s =>
    {
        // What changes meanwhile is for the next one.
        if (await s.Sql($"SELECT changes FROM content_locations WHERE id = @id{database.ForKeeping}").Text("@id", id).First(row => (long?)row.Long(0)) is not { } changes) return 0L;
        // Those whose licence goes back, or is somebody else's gift, and that want it after all: they have it.
        var back = await s
            .Sql($"""
                SELECT DISTINCT l.adam_id, l.pricing, l.serial_number FROM {ContentColumns.Wanting}
                JOIN content_licences l ON l.location_id = a.content_location AND l.adam_id = a.content_adam AND l.pricing = a.content_pricing AND l.serial_number = d.serial_number
                WHERE a.content_location = @id AND a.deleted_at IS NULL AND (l.state = 4 OR (l.state = 3 AND NOT l.ours))
                """)
            .Text("@id", id).List(row => (row.Text(0), row.Text(1), row.Text(2)));

        // 1. Those that an assignment wants.
        await s
            .Sql($"""
                INSERT INTO content_licences (location_id, adam_id, pricing, serial_number, state, ours, keep, attempts, next_at, generation, changed_at)
                SELECT w.location, w.adam, w.pricing, w.serial_number, 1, @yes, w.keep, 0, @now, 0, @now FROM (
                  SELECT a.content_location AS location, a.content_adam AS adam, a.content_pricing AS pricing, d.serial_number AS serial_number, max(CASE WHEN a.keep THEN 1 ELSE 0 END) = 1 AS keep
                  FROM {ContentColumns.Wanting} WHERE a.content_location = @id AND a.deleted_at IS NULL
                  GROUP BY a.content_location, a.content_adam, a.content_pricing, d.serial_number) w
                WHERE NOT EXISTS (SELECT 1 FROM content_licences l WHERE l.location_id = w.location AND l.adam_id = w.adam AND l.pricing = w.pricing AND l.serial_number = w.serial_number
                  AND l.ours AND l.keep = w.keep AND l.state <> 4)
                ON CONFLICT (location_id, adam_id, pricing, serial_number) DO UPDATE SET ours = excluded.ours, keep = excluded.keep,
                  next_at = CASE WHEN content_licences.state = 4 THEN NULL ELSE content_licences.next_at END,
                  state = CASE WHEN content_licences.state = 4 THEN 3 ELSE content_licences.state END
                """)
            .Text("@id", id).Bool("@yes", true).Time("@now", now).Execute();

        // 2. Those that were wanted and are not: what Apple was not asked for is forgotten.
        await s.Sql($"DELETE FROM content_licences WHERE location_id = @id AND state = 1 AND NOT {IsWanted}").Text("@id", id).Execute();

        // 3. What is held goes back, unless it stays on an iPad that is enrolled.
        await s
            .Sql($"""
                UPDATE content_licences SET state = 4, attempts = 0, reason = NULL, changed_at = @now, next_at = CASE WHEN {IsEnrolled} THEN @moved ELSE @gone END
                WHERE location_id = @id AND state = 3 AND ours AND NOT {IsWanted} AND NOT (keep AND {IsEnrolled})
                """)
            .Text("@id", id).Time("@now", now).Time("@moved", now + MovesFor).Time("@gone", now + GoneFor).Execute();
        var due = await Wake(s, id, back, now);
        await s.Sql("UPDATE content_locations SET reviewed = @changes WHERE id = @id AND reviewed < @changes").Text("@id", id).Long("@changes", changes).Execute();
        return due;
    }, timeout: LongTimeout);

    public async Task<IReadOnlyList<(ContentAsset Asset, LicenceState State, long Count)>> ListWork(string id, DateTimeOffset now) => await database.Read(s => s
        .Sql($"""
            SELECT w.adam_id, w.pricing, w.state,
              CASE WHEN w.state = 1 THEN (SELECT count(*) FROM content_licences l WHERE l.location_id = @id AND l.adam_id = w.adam_id AND l.pricing = w.pricing AND l.state = 1) ELSE w.number END,
              (SELECT count(*) FROM content_licences l WHERE l.location_id = @id AND l.adam_id = w.adam_id AND l.pricing = w.pricing AND l.state = 2),
              coalesce(t.available, 0), coalesce(t.total, 0), t.name
            FROM (SELECT l.adam_id, l.pricing, l.state, count(*) AS number FROM content_licences l WHERE l.location_id = @id AND l.state IN (1, 4) AND l.next_at <= @now GROUP BY l.adam_id, l.pricing, l.state) w
            LEFT JOIN content_assets t ON t.location_id = @id AND t.adam_id = w.adam_id AND t.pricing = w.pricing
            ORDER BY w.state DESC, w.adam_id, w.pricing
            """)
        .Text("@id", id).Time("@now", now)
        // What Apple was asked for may be counted already: rather too few than too many.
        .List(row => (new ContentAsset { AdamId = row.Text(0), Pricing = row.Text(1), Available = Math.Max(row.Long(5) - row.Long(4), 0), Total = row.Long(6), Name = row.TextOrNull(7) }, (LicenceState)row.Short(2), row.Long(3))));

    public async Task<IReadOnlyList<string>> ListDueLicences(string id, string adamId, string pricing, LicenceState state, DateTimeOffset now, int limit) => await database.Read(s => s
        .Sql($"SELECT l.serial_number FROM content_licences l WHERE {Same} AND l.state = @state AND l.next_at <= @now ORDER BY l.changed_at, l.serial_number LIMIT @limit")
        .Text("@id", id).Text("@adam", adamId).Text("@pricing", pricing).Short("@state", (short)state).Time("@now", now).Int("@limit", limit).List(row => row.Text(0)));

    public Task<IReadOnlyList<string>> Ask(string id, string adamId, string pricing, LicenceState to, IReadOnlyList<string> serials, DateTimeOffset at) => database.Write(async s =>
    {
        var asked = await s
            .Sql($"""
                UPDATE content_licences SET state = @to, event_id = NULL, asked_at = @at, next_at = NULL, reason = NULL, changed_at = @at, attempts = attempts + 1
                WHERE location_id = @id AND adam_id = @adam AND pricing = @pricing AND state = @from AND serial_number IN (SELECT id FROM {database.IdsTable})
                RETURNING serial_number
                """)
            .Ids(serials).Short("@to", (short)to).Short("@from", (short)(to == LicenceState.Asked ? LicenceState.Wanted : LicenceState.Leaving)).Time("@at", at).Text("@id", id).Text("@adam", adamId)
            .Text("@pricing", pricing).List(row => row.Text(0));
        if (to == LicenceState.Asked && asked.Count > 0)
        {
            await s.Sql($"UPDATE assignment_devices SET reason = @reason WHERE {Waiting}")
                .Ids(asked).Text("@reason", ContentWords.Asked).Text("@id", id).Text("@adam", adamId).Text("@pricing", pricing).Execute();
        }

        return (IReadOnlyList<string>)asked;
    }, timeout: LongTimeout);

    public Task SetEvent(string id, string adamId, string pricing, LicenceState state, IReadOnlyList<string> serials, string eventId, DateTimeOffset nextAt)
    {
        StoredText.Check("Apple's id of the request", eventId);
        return database.Write(s => s
            .Sql($"""
                UPDATE content_licences SET event_id = @event, next_at = @next
                WHERE location_id = @id AND adam_id = @adam AND pricing = @pricing AND state = @state AND event_id IS NULL AND serial_number IN (SELECT id FROM {database.IdsTable})
                """)
            .Ids(serials).Text("@event", eventId).Time("@next", nextAt).Text("@id", id).Text("@adam", adamId).Text("@pricing", pricing).Short("@state", (short)state).Execute());
    }

    public async Task<IReadOnlyList<ContentEvent>> ListEvents(string id) => await database.Read(s => s
        .Sql("SELECT event_id, state, min(asked_at) FROM content_licences WHERE location_id = @id AND state IN (2, 5) AND event_id IS NOT NULL GROUP BY event_id, state ORDER BY min(asked_at), event_id")
        .Text("@id", id).List(row => new ContentEvent(row.Text(0), (LicenceState)row.Short(1), row.Time(2))));

    public async Task<IReadOnlyList<ContentLicence>> ListOfEvent(string id, string eventId) => await database.Read(s => s
        .Sql($"SELECT {ContentColumns.Licence} FROM content_licences l WHERE l.location_id = @id AND l.event_id = @event AND l.state IN (2, 5)").Text("@id", id).Text("@event", eventId)
        .List(row => ContentColumns.ReadLicence(row)));

    public Task Postpone(string id, string eventId, DateTimeOffset nextAt) => database.Write(s => s
        .Sql("UPDATE content_licences SET next_at = @next WHERE location_id = @id AND event_id = @event AND state IN (2, 5)").Time("@next", nextAt).Text("@id", id).Text("@event", eventId).Execute());

    public async Task<IReadOnlyList<ContentLicence>> ListLost(string id, int limit) => await database.Read(s => s
        .Sql($"SELECT {ContentColumns.Licence} FROM content_licences l WHERE l.location_id = @id AND l.event_id IS NULL AND l.state IN (2, 5) ORDER BY l.adam_id, l.pricing, l.serial_number LIMIT @limit")
        .Text("@id", id).Int("@limit", limit).List(row => ContentColumns.ReadLicence(row)));

    public Task<long> Settle(string id, IReadOnlyList<LicenceAnswer> answers, DateTimeOffset now) => database.Write(async s =>
    {
        var due = 0L;
        foreach (var group in answers.GroupBy(one => (one.AdamId, one.Pricing, one.State, one.Gone, one.NextAt, one.Reason)))
        {
            var (adam, pricing, state, gone, next, reason) = group.Key;
            List<string> serials = [.. group.Select(one => one.SerialNumber)];
            var those = $"location_id = @id AND adam_id = @adam AND pricing = @pricing AND state IN (2, 5) AND serial_number IN (SELECT id FROM {database.IdsTable})";
            var statement = s.Sql(gone
                ? $"DELETE FROM content_licences WHERE {those}"
                : $"UPDATE content_licences SET state = @state, event_id = NULL, asked_at = NULL, next_at = @next, reason = @reason, changed_at = @now WHERE {those}");
            statement.Ids(serials).Text("@id", id).Text("@adam", adam).Text("@pricing", pricing);
            if (!gone) statement.Short("@state", (short)state).Time("@next", next).Text("@reason", ContentColumns.Cut(reason, LongestReason)).Time("@now", now);
            await statement.Execute();
            if (gone) continue;
            if (state == LicenceState.Held) due += await Wake(s, id, adam, pricing, serials, now);
            else if (state == LicenceState.Wanted)
            {
                await s.Sql($"UPDATE assignment_devices SET reason = @reason WHERE {Waiting}")
                    .Ids(serials).Text("@reason", ContentColumns.Cut(reason, LongestReason)).Text("@id", id).Text("@adam", adam).Text("@pricing", pricing).Execute();
            }
        }

        return due;
    }, timeout: LongTimeout);

    public Task Refuse(string id, string adamId, string pricing, string reason, DateTimeOffset nextAt, DateTimeOffset now) => database.Write(async s =>
    {
        // All who wait say the same, whenever each of them was refused: the number in it is of all of them.
        var serials = await s.Sql($"SELECT l.serial_number FROM content_licences l WHERE {Same} AND l.state = 1")
            .Text("@id", id).Text("@adam", adamId).Text("@pricing", pricing).List(row => row.Text(0));
        await s
            .Sql("""
                UPDATE content_licences SET next_at = CASE WHEN next_at <= @now THEN @next ELSE next_at END, reason = @reason
                WHERE location_id = @id AND adam_id = @adam AND pricing = @pricing AND state = 1
                """)
            .Time("@next", nextAt).Text("@reason", ContentColumns.Cut(reason, LongestReason)).Text("@id", id).Text("@adam", adamId).Text("@pricing", pricing).Time("@now", now).Execute();
        await s.Sql($"UPDATE assignment_devices SET reason = @reason WHERE {Waiting}")
            .Ids(serials).Text("@reason", ContentColumns.Cut(reason, LongestReason)).Text("@id", id).Text("@adam", adamId).Text("@pricing", pricing).Execute();
        return true;
    }, timeout: LongTimeout);

    public Task Retry(string id, bool all, DateTimeOffset now) => database.Write(s => s
        .Sql($"""
            UPDATE content_licences SET next_at = @now WHERE location_id = @id AND next_at > @now AND {(all ? Stuck : $"""
              state = 1 AND reason LIKE '{ContentWords.NoneLeft}%'
              AND EXISTS (SELECT 1 FROM content_assets t WHERE t.location_id = content_licences.location_id AND t.adam_id = content_licences.adam_id AND t.pricing = content_licences.pricing AND t.available > 0)
              """)}
            """)
        .Text("@id", id).Time("@now", now).Execute());

    public Task<DateTimeOffset?> NextWorkAt(string id) => database.Read(s => s
        .Sql("SELECT next_at FROM content_licences WHERE location_id = @id AND state <> 3 AND next_at IS NOT NULL ORDER BY next_at LIMIT 1").Text("@id", id).First(row => (DateTimeOffset?)row.Time(0)));

    public async Task<IReadOnlyList<(AssignedLicence Which, ContentLicence Licence)>> OfDevice(string serialNumber)
    {
        StoredText.Check("The serial number", serialNumber);
        return await database.Read(s => s
            .Sql($"SELECT {ContentColumns.Licence}, l.location_id FROM content_licences l WHERE l.serial_number = @serial").Text("@serial", serialNumber)
            .List(row => (new AssignedLicence(row.Text(ContentColumns.LicenceWidth), row.Text(0), row.Text(1)), ContentColumns.ReadLicence(row))));
    }

    public Task<int> ForgetNotifications(DateTimeOffset before) => database.Write(s => s.Sql("DELETE FROM content_notifications WHERE at < @before").Time("@before", before).Execute());

    /// <summary>A location that is removed in the middle of a round gets no rows any more: nobody would ever remove them.</summary>
    private async Task<bool> IsThere(Session s, string id) => await s.Sql($"SELECT id FROM content_locations WHERE id = @id{database.ForKeeping}").Text("@id", id).First(_ => true);

    /// <summary>The app of these iPads can be installed now. Whoever has read their rows before has to read them again.</summary>
    private async Task<long> Wake(Session s, string id, string adamId, string pricing, List<string> serials, DateTimeOffset now) => await s
        .Sql($"UPDATE assignment_devices SET due_at = @now, changed_at = @now, reason = NULL WHERE {Waiting}")
        .Ids(serials).Time("@now", now).Text("@id", id).Text("@adam", adamId).Text("@pricing", pricing).Execute();

    private async Task<long> Wake(Session s, string id, IEnumerable<(string AdamId, string Pricing, string SerialNumber)> licences, DateTimeOffset now)
    {
        var due = 0L;
        foreach (var group in licences.GroupBy(one => (one.AdamId, one.Pricing))) due += await Wake(s, id, group.Key.AdamId, group.Key.Pricing, [.. group.Select(one => one.SerialNumber)], now);
        return due;
    }

    private static string Number(long value) => Math.Max(value, 0).ToString(CultureInfo.InvariantCulture);
}
