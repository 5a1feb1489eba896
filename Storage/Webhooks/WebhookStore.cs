using System.Globalization;
using System.Text;
using System.Text.Json;
using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Webhooks;

/// <inheritdoc cref="IWebhookStore"/>
/// <remarks>A webhook's own row is the lock of its lanes: who adds to a lane and who ends the first of it take turns, so that a lane always has exactly one that is next.</remarks>
internal sealed class WebhookStore(Database database) : IWebhookStore
{
    private const string Columns =
        "w.id, w.version, w.name, w.url, w.events, w.format, w.state, w.state_reason, w.secret, w.old_secret, w.old_secret_until, w.created_at, w.created_by, w.updated_at";

    private const int Width = 14;

    private const string Standings = $"""
        SELECT {Columns}, w.failing_since, w.delivered_at, w.last_error, w.delivered, w.dropped,
          (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 0),
          (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 2),
          (SELECT d.at FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 0 ORDER BY d.seq LIMIT 1)
        FROM webhooks w
        """;

    private const string Deliveries =
        "SELECT d.seq, d.event_id, d.at, d.kind, d.device_id, d.lane, d.subject, d.data, d.state, d.attempts, d.next_at, d.finished_at, d.status, d.error FROM webhook_deliveries d";

    private const string GivenUpForRoom = "Too many events waited: the oldest were given up.";

    public async Task<IReadOnlyList<WebhookStanding>> List() => await database.Read(s => s.Sql($"{Standings} ORDER BY w.created_at, w.id").List(ReadStanding));

    public Task<WebhookStanding?> Find(string id)
    {
        StoredText.Check("The webhook's id", id);
        return database.Read(s => s.Sql($"{Standings} WHERE w.id = @id").Text("@id", id).First(ReadStanding));
    }

    public Task<Webhook?> Load(string id) => database.Read(s => s.Sql($"SELECT {Columns} FROM webhooks w WHERE w.id = @id").Text("@id", id).First<Webhook>(ReadWebhook));

    public async Task<IReadOnlyList<string>> Wanted() =>
        [.. (await database.Read(s => s.Sql("SELECT events FROM webhooks WHERE state <> 2").List(row => Events(row.Text(0))))).SelectMany(events => events).Distinct()];

    public Task<WebhookOutcome> Create(Webhook webhook, AuditRecord audit) => database.Write(async s =>
    {
        if (await s.Sql("SELECT count(*) FROM webhooks").First(row => row.Long(0)) >= IWebhookStore.MostWebhooks) return WebhookOutcome.TooMany;
        var added = await Bind(s.Sql("""
            INSERT INTO webhooks (id, version, name, url, events, format, state, state_reason, secret, old_secret, old_secret_until, audit_seq, created_at, created_by, updated_at)
            VALUES (@id, @version, @name, @url, @events, @format, @state, @reason, @secret, @old, @until, coalesce((SELECT max(seq) FROM audit_chain), 0), @created, @by, @at)
            ON CONFLICT (id) DO NOTHING
            """), webhook).Time("@created", webhook.CreatedAt).Text("@by", webhook.CreatedBy).Execute();
        if (added > 0) await AuditColumns.Add(s, audit);
        return WebhookOutcome.Written;
    });

    public Task<WebhookOutcome> Change(Webhook webhook, AuditRecord? audit) => database.Write(async s =>
    {
        StoredText.Check("The webhook's id", webhook.Id);
        if (await s.Sql($"SELECT {Columns} FROM webhooks w WHERE w.id = @id" + database.ForUpdate).Text("@id", webhook.Id).First<Webhook>(ReadWebhook) is not { } standing)
            return WebhookOutcome.NotFound;
        // An attempt before this one may have written it, and its answer was lost.
        if (standing.Version != webhook.Version - 1) return IsWritten(standing, webhook) ? WebhookOutcome.Written : WebhookOutcome.VersionConflict;

        await Bind(s.Sql("""
            UPDATE webhooks SET version = @version, name = @name, url = @url, events = @events, format = @format, state = @state, state_reason = @reason,
              secret = @secret, old_secret = @old, old_secret_until = @until, updated_at = @at,
              audit_seq = CASE WHEN (state = 2 AND @state <> 2) OR @fresh THEN coalesce((SELECT max(seq) FROM audit_chain), audit_seq) ELSE audit_seq END
            WHERE id = @id
            """), webhook).Bool("@fresh", WantsAudit(webhook.Events) && !WantsAudit(standing.Events)).Execute();
        if (audit is not null) await AuditColumns.Add(s, audit);
        return WebhookOutcome.Written;
    });

    public Task<bool> Delete(string id, AuditRecord audit) => database.Write(async s =>
    {
        StoredText.Check("The webhook's id", id);
        if (await s.Sql("SELECT version FROM webhooks WHERE id = @id" + database.ForUpdate).Text("@id", id).First(_ => true) is false) return false;
        await s.Sql("DELETE FROM webhook_deliveries WHERE webhook_id = @id").Text("@id", id).Execute();
        await s.Sql("DELETE FROM webhooks WHERE id = @id").Text("@id", id).Execute();
        await AuditColumns.Add(s, audit);
        return true;
    });

    public async Task<(int Taken, IReadOnlyList<string> Webhooks)> FanOut(int limit, DateTimeOffset now)
    {
        if (await database.Read(s => s.Sql("SELECT seq FROM webhook_outbox LIMIT 1").First(row => row.Long(0))) == 0) return (0, []);
        return await database.Write(async s =>
        {
            var webhooks = await Lock(s);
            var events = await s.Sql("SELECT seq, id, at, kind, device_id, subject, data FROM webhook_outbox ORDER BY seq LIMIT @limit").Int("@limit", limit)
                .List(row => (Sequence: row.Long(0), Event: new Happening(row.Text(1), row.Time(2), row.Text(3), row.Text(4), row.TextOrNull(5), row.Text(6))));
            if (events.Count == 0) return (0, (IReadOnlyList<string>)[]);
            var touched = new List<string>();
            foreach (var webhook in webhooks.Where(webhook => webhook.State != WebhookState.Disabled))
            {
                var wanted = events.Where(one => WebhookKinds.Has(webhook.Format, one.Event.Kind) && WebhookKinds.Wants(webhook.Events, one.Event.Kind)).Select(one => one.Event).ToList();
                if (wanted.Count == 0) continue;
                await Insert(s, webhook.Id, wanted, now);
                touched.Add(webhook.Id);
            }

            // Not what has a lower number and was not seen: another transaction may still bring one.
            foreach (var some in events.Chunk(500))
            {
                var list = string.Join(", ", some.Select(one => one.Sequence.ToString(CultureInfo.InvariantCulture)));
                await s.Sql($"DELETE FROM webhook_outbox WHERE seq IN ({list})").Execute();
            }

            return (events.Count, touched);
        });
    }

    public async Task<(bool More, IReadOnlyList<string> Webhooks)> FanOutAudit(Func<ChainedRecord, string> data, int limit, DateTimeOffset now)
    {
        var behind = await database.Read(s => s.Sql("SELECT events FROM webhooks WHERE state <> 2 AND audit_seq < coalesce((SELECT max(seq) FROM audit_chain), 0)")
            .List(row => WantsAudit(Events(row.Text(0)))));
        if (!behind.Contains(true)) return (false, []);
        return await database.Write(async s =>
        {
            var more = false;
            var touched = new List<string>();
            foreach (var webhook in (await Lock(s)).Where(webhook => webhook.State != WebhookState.Disabled && WantsAudit(webhook.Events)))
            {
                var records = await AuditChain.Read(s, webhook.AuditNumber, limit);
                if (records.Count == 0) continue;
                var wanted = records.Where(record => WebhookKinds.Wants(webhook.Events, WebhookKinds.Audit + record.Record.Verb))
                    .Select(record => new Happening(record.Record.Id.ToString("D"), record.Record.At, WebhookKinds.Audit + record.Record.Verb,
                        record.Record.TargetKind == AuditTargets.Device ? record.Record.TargetId : null, record.Record.Subject, data(record))).ToList();
                if (wanted.Count > 0)
                {
                    await Insert(s, webhook.Id, wanted, now);
                    touched.Add(webhook.Id);
                }

                await s.Sql("UPDATE webhooks SET audit_seq = @seq WHERE id = @id").Long("@seq", records[^1].Number).Text("@id", webhook.Id).Execute();
                more |= records.Count == limit;
            }

            return (more, (IReadOnlyList<string>)touched);
        });
    }

    public async Task<IReadOnlyList<WebhookDelivery>> Due(string webhookId, DateTimeOffset now, int limit) => await database.Read(s => s
        .Sql($"{Deliveries} WHERE d.webhook_id = @id AND d.state = 0 AND d.next_at IS NOT NULL AND d.next_at <= @now ORDER BY d.next_at, d.seq LIMIT @limit")
        .Text("@id", webhookId).Time("@now", now).Int("@limit", limit).List(ReadDelivery));

    public Task Settle(string webhookId, WebhookTry result) => database.Write(async s =>
    {
        if (!await s.Sql("SELECT version FROM webhooks WHERE id = @id" + database.ForUpdate).Text("@id", webhookId).First(_ => true)) return;
        var ended = result.State != WebhookDeliveryState.Waiting;
        var settled = await s.Sql("""
                UPDATE webhook_deliveries SET state = @state, attempts = attempts + 1, next_at = @next, finished_at = @finished, status = @status, error = @error
                WHERE seq = @seq AND state <> 1
                """)
            .Short("@state", (short)result.State).Time("@next", ended ? null : result.NextAt).Time("@finished", ended ? result.At : null).Int("@status", result.Status)
            .Text("@error", result.Error).Long("@seq", result.Sequence).Execute();
        // An attempt before this one has written that it was delivered: it is counted once.
        if (settled == 0) return;
        if (ended && result.Lane is { } lane) await Follow(s, webhookId, lane, result.At);
        if (result.State == WebhookDeliveryState.Delivered)
        {
            await s.Sql("UPDATE webhooks SET delivered = delivered + 1, delivered_at = @at, failing_since = NULL, last_error = NULL WHERE id = @id")
                .Time("@at", result.At).Text("@id", webhookId).Execute();
        }
        else
        {
            await s.Sql("UPDATE webhooks SET failing_since = coalesce(failing_since, @at), last_error = @error WHERE id = @id")
                .Time("@at", result.At).Text("@error", result.Error).Text("@id", webhookId).Execute();
        }
    });

    public async Task<IReadOnlyList<WebhookDelivery>> ListDeliveries(string webhookId, WebhookDeliveryState? state, long? before, int limit)
    {
        StoredText.Check("The webhook's id", webhookId);
        // The index has the state before the number: each state tells its newest, so that nothing that is kept is sorted.
        static string Newest(WebhookDeliveryState state) =>
            $"SELECT seq FROM (SELECT seq FROM webhook_deliveries WHERE webhook_id = @id AND state = {(int)state} AND seq < @before ORDER BY seq DESC LIMIT @limit) s{(int)state}";
        var numbers = state is { } one ? Newest(one) : string.Join(" UNION ALL ", Enum.GetValues<WebhookDeliveryState>().Select(Newest));
        return await database.Read(s => s
            .Sql($"{Deliveries} WHERE d.seq IN ({numbers}) ORDER BY d.seq DESC LIMIT @limit")
            .Text("@id", webhookId).Long("@before", before ?? long.MaxValue).Int("@limit", limit).List(ReadDelivery));
    }

    public Task<WebhookDelivery?> Add(string webhookId, WebhookEvent single, DateTimeOffset now) => database.Write(async s =>
    {
        StoredText.Check("The webhook's id", webhookId);
        if (!await s.Sql("SELECT version FROM webhooks WHERE id = @id" + database.ForUpdate).Text("@id", webhookId).First(_ => true)) return null;
        await Insert(s, webhookId, [new Happening(single.Id.ToString("D"), single.At, single.Kind, null, single.Subject, single.Data)], now);
        // Nobody else adds to this webhook meanwhile: it is locked.
        return await s.Sql($"{Deliveries} WHERE d.seq = (SELECT max(n.seq) FROM webhook_deliveries n WHERE n.webhook_id = @id AND n.state = 0)").Text("@id", webhookId).First(ReadDelivery);
    });

    public Task<int> SendAgain(string webhookId, long? sequence, int limit, DateTimeOffset now, AuditRecord? audit) => database.Write(async s =>
    {
        StoredText.Check("The webhook's id", webhookId);
        if (!await s.Sql("SELECT version FROM webhooks WHERE id = @id" + database.ForUpdate).Text("@id", webhookId).First(_ => true)) return 0;
        const string Again = "UPDATE webhook_deliveries SET state = 0, attempts = 0, lane = NULL, next_at = @now, finished_at = NULL, status = NULL, error = NULL";
        var count = sequence is { } one
            ? await s.Sql($"{Again} WHERE webhook_id = @id AND seq = @seq AND state <> 0").Time("@now", now).Text("@id", webhookId).Long("@seq", one).Execute()
            : await s.Sql($"{Again} WHERE seq IN (SELECT d.seq FROM webhook_deliveries d WHERE d.webhook_id = @id AND d.state = 2 ORDER BY d.seq LIMIT @limit)")
                .Time("@now", now).Text("@id", webhookId).Int("@limit", limit).Execute();
        if (count > 0 && audit is not null) await AuditColumns.Add(s, audit with { Count = count });
        return count;
    });

    public async Task<int> Trim(string webhookId, int mostWaiting, int mostDead, DateTimeOffset now)
    {
        const string Count = "SELECT count(*) FROM webhook_deliveries WHERE webhook_id = @id AND state = @state";
        Task<long> Of(Session s, WebhookDeliveryState state) => s.Sql(Count).Text("@id", webhookId).Short("@state", (short)state).First(row => row.Long(0));
        var (waiting, dead) = await database.Read(async s => (await Of(s, WebhookDeliveryState.Waiting), await Of(s, WebhookDeliveryState.Dead)));
        if (waiting <= mostWaiting && dead <= mostDead) return 0;
        return await database.Write(async s =>
        {
            if (!await s.Sql("SELECT version FROM webhooks WHERE id = @id" + database.ForUpdate).Text("@id", webhookId).First(_ => true)) return 0;
            var over = (int)Math.Max(0, await Of(s, WebhookDeliveryState.Waiting) - mostWaiting);
            var lanes = await s.Sql("SELECT DISTINCT o.lane FROM (SELECT lane FROM webhook_deliveries WHERE webhook_id = @id AND state = 0 ORDER BY seq LIMIT @over) o WHERE o.lane IS NOT NULL")
                .Text("@id", webhookId).Int("@over", over).List(row => row.Text(0));
            await s.Sql("""
                    UPDATE webhook_deliveries SET state = 2, next_at = NULL, finished_at = @now, error = @error
                    WHERE seq IN (SELECT d.seq FROM webhook_deliveries d WHERE d.webhook_id = @id AND d.state = 0 ORDER BY d.seq LIMIT @over)
                    """)
                .Time("@now", now).Text("@error", GivenUpForRoom).Text("@id", webhookId).Int("@over", over).Execute();
            foreach (var lane in lanes) await Follow(s, webhookId, lane, now);
            var forget = (int)Math.Max(0, await Of(s, WebhookDeliveryState.Dead) - mostDead);
            await s.Sql("DELETE FROM webhook_deliveries WHERE seq IN (SELECT d.seq FROM webhook_deliveries d WHERE d.webhook_id = @id AND d.state = 2 ORDER BY d.seq LIMIT @forget)")
                .Text("@id", webhookId).Int("@forget", forget).Execute();
            await s.Sql("UPDATE webhooks SET dropped = dropped + @forget WHERE id = @id").Long("@forget", forget).Text("@id", webhookId).Execute();
            return over;
        });
    }

    public Task<int> Forget(DateTimeOffset deliveredBefore, DateTimeOffset deadBefore, int limit) => database.Write(s => s
        .Sql("""
            DELETE FROM webhook_deliveries WHERE seq IN (
              SELECT d.seq FROM webhook_deliveries d
              WHERE d.finished_at IS NOT NULL AND d.finished_at < @delivered AND (d.state = 1 OR (d.state = 2 AND d.finished_at < @dead)) ORDER BY d.finished_at LIMIT @limit)
            """)
        .Time("@delivered", deliveredBefore).Time("@dead", deadBefore).Int("@limit", limit).Execute());

    /// <summary>The next of a lane, when the one before has ended.</summary>
    private static Task<int> Follow(Session s, string webhookId, string lane, DateTimeOffset now) => s
        .Sql("""
            UPDATE webhook_deliveries SET next_at = @now
            WHERE next_at IS NULL AND seq = (SELECT min(d.seq) FROM webhook_deliveries d WHERE d.webhook_id = @id AND d.lane = @lane AND d.state = 0)
            """)
        .Time("@now", now).Text("@id", webhookId).Text("@lane", lane).Execute();

    private async Task Insert(Session s, string webhookId, IReadOnlyList<Happening> events, DateTimeOffset now)
    {
        var taken = (await s.Sql($"SELECT DISTINCT d.lane FROM webhook_deliveries d WHERE d.webhook_id = @id AND d.state = 0 AND d.lane IN (SELECT ids.id FROM {database.IdsTable})")
            .Text("@id", webhookId).Ids([.. events.Select(one => one.DeviceId).OfType<string>().Distinct()]).List(row => row.Text(0))).ToHashSet(StringComparer.Ordinal);
        foreach (var some in events.Chunk(200))
        {
            var values = new StringBuilder();
            var bind = new List<Action<Statement>>();
            foreach (var one in some)
            {
                var n = bind.Count;
                var first = one.DeviceId is null || taken.Add(one.DeviceId);
                values.Append(CultureInfo.InvariantCulture, $"{(n > 0 ? ", " : "")}(@id, @e{n}, @a{n}, @k{n}, @d{n}, @d{n}, @s{n}, @j{n}, 0, @n{n})");
                bind.Add(statement => statement.Text($"@e{n}", one.Id).Time($"@a{n}", one.At).Text($"@k{n}", one.Kind).Text($"@d{n}", one.DeviceId).Text($"@s{n}", one.Subject)
                    .Text($"@j{n}", one.Data).Time($"@n{n}", first ? now : null));
            }

            await s.Sql($"INSERT INTO webhook_deliveries (webhook_id, event_id, at, kind, device_id, lane, subject, data, state, next_at) VALUES {values}")
                .Text("@id", webhookId).Bind(statement => bind.ForEach(one => one(statement))).Execute();
        }
    }

    private async Task<List<Told>> Lock(Session s) => await s
        .Sql("SELECT id, events, format, state, audit_seq FROM webhooks ORDER BY id" + database.ForUpdate)
        .List(row => new Told(row.Text(0), Events(row.Text(1)), (WebhookFormat)row.Short(2), (WebhookState)row.Short(3), row.Long(4)));

    private static Statement Bind(Statement statement, Webhook webhook) => statement
        .Text("@id", webhook.Id).Int("@version", webhook.Version).Text("@name", webhook.Name).Text("@url", webhook.Url).Text("@events", JsonSerializer.Serialize(webhook.Events))
        .Short("@format", (short)webhook.Format).Short("@state", (short)webhook.State).Text("@reason", webhook.StateReason).Bytes("@secret", webhook.Secret)
        .Bytes("@old", webhook.OldSecret).Time("@until", webhook.OldSecretUntil).Time("@at", webhook.UpdatedAt);

    private static bool IsWritten(Webhook standing, Webhook meant) =>
        (standing.Version, standing.Name, standing.Url, standing.Format, standing.State, standing.UpdatedAt)
            == (meant.Version, meant.Name, meant.Url, meant.Format, meant.State, StoredText.ToMilliseconds(meant.UpdatedAt))
        && standing.Events.SequenceEqual(meant.Events) && standing.Secret.AsSpan().SequenceEqual(meant.Secret);

    /// <summary>One that does not is not moved on with the record: it begins with the newest when it does (<see cref="Change"/>).</summary>
    private static bool WantsAudit(IEnumerable<string> events) => events.Any(one => one.StartsWith(WebhookKinds.Audit, StringComparison.Ordinal));

    private static string[] Events(string json) => JsonSerializer.Deserialize<string[]>(json) ?? [];

    private static Webhook ReadWebhook(Row row) => new()
    {
        Id = row.Text(0),
        Version = row.Int(1),
        Name = row.Text(2),
        Url = row.Text(3),
        Events = Events(row.Text(4)),
        Format = (WebhookFormat)row.Short(5),
        State = (WebhookState)row.Short(6),
        StateReason = row.TextOrNull(7),
        Secret = row.Bytes(8),
        OldSecret = row.BytesOrNull(9),
        OldSecretUntil = row.TimeOrNull(10),
        CreatedAt = row.Time(11),
        CreatedBy = row.Text(12),
        UpdatedAt = row.Time(13),
    };

    private static WebhookStanding ReadStanding(Row row) => new(
        ReadWebhook(row),
        row.TimeOrNull(Width), row.TimeOrNull(Width + 1), row.TextOrNull(Width + 2), row.Long(Width + 3), row.Long(Width + 4), row.Long(Width + 5), row.Long(Width + 6), row.TimeOrNull(Width + 7));

    private static WebhookDelivery ReadDelivery(Row row) => new()
    {
        Sequence = row.Long(0),
        EventId = row.Text(1),
        At = row.Time(2),
        Kind = row.Text(3),
        DeviceId = row.TextOrNull(4),
        Lane = row.TextOrNull(5),
        Subject = row.TextOrNull(6),
        Data = row.Text(7),
        State = (WebhookDeliveryState)row.Short(8),
        Attempts = row.Int(9),
        NextAt = row.TimeOrNull(10),
        FinishedAt = row.TimeOrNull(11),
        Status = row.IntOrNull(12),
        Error = row.TextOrNull(13),
    };

    private sealed record Told(string Id, IReadOnlyList<string> Events, WebhookFormat Format, WebhookState State, long AuditNumber);

    private sealed record Happening(string Id, DateTimeOffset At, string Kind, string? DeviceId, string? Subject, string Data);
}
