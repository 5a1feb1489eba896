using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Storage.Hosting;

/// <summary>
/// Seals the command bodies and answers that a version before <see cref="BodySealer"/> stored, beside the work of the server. A row that is
/// plain is sealed in its place; one that is sealed is left. So it may die at any point, run on several nodes at once, and begin anew.
/// When it has been through, a fact says so for good: no version writes plain ones any more.
/// </summary>
/// <remarks>A few rows at a time with a pause between them: iPads hardly notice. A database that is away is waited for.</remarks>
internal sealed partial class BodyRewrite(StoreParts parts, BodySealer sealer, TimeProvider time, ILogger<BodyRewrite> logger) : BackgroundService
{
    public const string DoneFact = "bodies-sealed";

    /// <summary>SQLite's one writer is taken for some ten milliseconds.</summary>
    private const int Batch = 100;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Retry = TimeSpan.FromMinutes(1);

    private static readonly string PlainBodies =
        $"SELECT hash FROM bodies WHERE hash > @after AND substr(content, 1, {BodySealer.MarkLength}) <> @mark ORDER BY hash LIMIT @limit";

    private static readonly string PlainAnswers =
        $"SELECT sequence, answer FROM history WHERE enrolment_id = @id AND answer IS NOT NULL AND substr(answer, 1, {BodySealer.MarkLength}) <> @mark LIMIT @limit";

    /// <returns>How many it has sealed.</returns>
    public async Task<(long Bodies, long Answers)> Run(CancellationToken cancellationToken)
    {
        var database = parts.Database;
        if (await database.Read(s => s.Sql("SELECT count(*) FROM facts WHERE name = @name").Text("@name", DoneFact).First(row => row.Long(0)), cancellationToken) > 0)
            return (0, 0);
        var bodies = await SealBodies(database, cancellationToken);
        var answers = await SealAnswers(database, cancellationToken);
        await parts.Control.GetOrAddFact(DoneFact, [1], cancellationToken);
        if (bodies + answers > 0)
            LogSealed(logger, bodies, answers);
        return (bodies, answers);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Run(stoppingToken);
                return;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is StoreUnavailableException or StoreRejectedException)
            {
                LogLater(logger, exception.Message);
            }

            await Task.Delay(Retry, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<long> SealBodies(Database database, CancellationToken cancellationToken)
    {
        long done = 0;
        byte[] after = [];
        while (true)
        {
            var names = await database.Read(s => s
                .Sql(PlainBodies).Bytes("@after", after).Bytes("@mark", BodySealer.Mark).Int("@limit", Batch).List(row => row.Bytes(0)), cancellationToken);
            // One by one: a report may be as large as a message.
            foreach (var name in names)
            {
                var body = await database.Read(
                    s => s.Sql("SELECT content FROM bodies WHERE hash = @hash").Bytes("@hash", name).First(row => row.Bytes(0)), cancellationToken);
                if (body is null || body.AsSpan().StartsWith(BodySealer.Mark))
                    continue;
                var content = sealer.SealBody(name, body);
                done += await database.Write(
                    s => s.Sql("UPDATE bodies SET content = @content WHERE hash = @hash").Bytes("@content", content).Bytes("@hash", name).Execute(),
                    cancellationToken);
            }

            if (names.Count < Batch)
                return done;
            after = names[^1];
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    private async Task<long> SealAnswers(Database database, CancellationToken cancellationToken)
    {
        long done = 0;
        var after = "";
        while (true)
        {
            var ids = await database.Read(s => s
                .Sql("SELECT id FROM devices WHERE id > @after ORDER BY id LIMIT @limit").Text("@after", after).Int("@limit", Batch).List(row => row.Text(0)),
                cancellationToken);
            foreach (var id in ids)
                done += await SealAnswersOf(id, database, cancellationToken);
            if (ids.Count < Batch)
                return done;
            after = ids[^1];
        }
    }

    private async Task<long> SealAnswersOf(string id, Database database, CancellationToken cancellationToken)
    {
        long done = 0;
        while (true)
        {
            var answers = await database.Read(s => s
                .Sql(PlainAnswers).Text("@id", id).Bytes("@mark", BodySealer.Mark).Int("@limit", Batch).List(row => (Sequence: row.Long(0), Answer: row.Bytes(1))),
                cancellationToken);
            if (answers.Count == 0)
                return done;
            var rows = answers.ConvertAll(row => (row.Sequence, Answer: sealer.SealAnswer(row.Sequence, row.Answer)));
            await database.Write(async s =>
            {
                foreach (var (sequence, answer) in rows)
                {
                    await s.Sql("UPDATE history SET answer = @answer WHERE enrolment_id = @id AND sequence = @sequence")
                        .Bytes("@answer", answer).Text("@id", id).Long("@sequence", sequence).Execute();
                }
            }, cancellationToken);
            done += rows.Count;
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    [LoggerMessage(1033, LogLevel.Information, "What an older version stored plain is sealed now: {Bodies} command bodies and large answers, {Answers} answers")]
    private static partial void LogSealed(ILogger logger, long bodies, long answers);

    [LoggerMessage(1034, LogLevel.Warning, "Sealing what an older version stored plain goes on in a minute: {Reason}")]
    private static partial void LogLater(ILogger logger, string reason);
}
