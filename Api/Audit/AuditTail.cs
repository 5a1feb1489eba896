using System.Globalization;
using FleetMdm.Api.Access;
using FleetMdm.Api.Limits;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;
using Microsoft.AspNetCore.Mvc;

namespace FleetMdm.Api.Audit;

/// <summary><c>GET /api/v1/audit/tail</c>: records in the order of their chain, as they come. Whoever goes on with <c>next</c> misses none and gets none twice.</summary>
internal static class AuditTail
{
    private const int LongestWait = 60;

    public static void MapRest(RouteGroupBuilder api) =>
        api.MapGet("/audit/tail", Read).Needs(Rights.AuditRead).RequireStreamAdmission().WithTags("Audit").WithQuery("after", "wait", "limit")
            .Produces<AuditTailView>().Fails(400, 410, 503);

    /// <summary>Follow the records</summary>
    /// <remarks>Oldest first, in the order of the chain. Send <c>next</c> as <c>after</c> of the next request: no record is left out, and none comes twice. With <c>wait</c> the
    /// answer comes as soon as there is a record.</remarks>
    /// <param name="after">The <c>next</c> of the answer before; <c>now</c>: only what comes from now on. When absent: from the oldest record that is kept.</param>
    /// <param name="wait">How many seconds to wait for a record, 0 to 60; 0 when absent.</param>
    /// <param name="limit">1 to 1000; 100 when absent.</param>
    public static async Task<IResult> Read(
        HttpContext context, IAuditChain chain, AuditTailWatch watch, StreamShares shares, IHostApplicationLifetime lifetime,
        [FromQuery] string? after = null, [FromQuery] string? wait = null, [FromQuery] string? limit = null)
    {
        var (seconds, most) = (Text.Number("wait", wait, 0, LongestWait, 0), Page.Limit(limit));
        var from = await Place(chain, after);
        var records = await chain.Read(from.Number, most);
        if (records.Count == 0 && seconds > 0)
        {
            using var share = shares.TryBegin(FleetUser.Of(context).TokenId)
                ?? throw new ApiProblem(503, ProblemCodes.Busy, "Too many wait", $"This token waits in {shares.MostForEach} requests on this node already. Close some.") { RetryAfter = 5 };
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
            await watch.Wait(from.Number, TimeSpan.FromSeconds(seconds), stop.Token);
            context.RequestAborted.ThrowIfCancellationRequested();
            records = await chain.Read(from.Number, most);
        }

        var next = records.Count > 0 ? new AuditHead(records[^1].Number, records[^1].Hash) : from;
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(new AuditTailView([.. records.Select(AuditView.Of)], Cursor(next)));
    }

    /// <summary>The number, and enough of the hash to see that it is of this chain: after a restore the same number may be another record's.</summary>
    private static string Cursor(AuditHead place) => $"{place.Number}-{Convert.ToHexStringLower(place.Hash.AsSpan(0, 8))}";

    private static async Task<AuditHead> Place(IAuditChain chain, string? after)
    {
        if (after == "now") return await chain.Head();
        var start = await chain.Start();
        if (after is null) return start;
        if (after.Split('-') is not [var number, { Length: 16 } hash] || !long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var from))
            throw new ApiProblem(400, ProblemCodes.InvalidCursor, "The request is not valid", "after: It must be the \"next\" of an answer before, or \"now\".");
        if (Cursor(start) == after) return start;
        if (from < start.Number)
        {
            throw new ApiProblem(410, ProblemCodes.CursorGone, "Records were removed",
                $"Records after number {from} are past their retention and were removed, up to number {start.Number}. Leave out \"after\" to begin with the oldest that is kept.");
        }

        if (await chain.FindHash(from) is { } found && Convert.ToHexStringLower(found.AsSpan(0, 8)) == hash) return new AuditHead(from, found);
        throw new ApiProblem(410, ProblemCodes.CursorGone, "This is another chain",
            $"Number {from} of the audit chain is not what it was when you read it: a backup was restored, or the chain was changed. Check it, and leave out \"after\" to begin anew.");
    }
}

/// <param name="Items">Oldest first.</param>
/// <param name="Next">For <c>after</c> of the next request; always there.</param>
public sealed record AuditTailView(IReadOnlyList<AuditView> Items, string Next);

/// <summary>Wakes those who wait for a record: one look a second for all of them on this node, and none while nobody waits.</summary>
/// <remarks>Any thread. A look that fails is not told to anybody: who waits asks the store itself when the time is over.</remarks>
internal sealed class AuditTailWatch(IAuditChain chain, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private Task<long>? _look;

    public async Task Wait(long after, TimeSpan atMost, CancellationToken stop)
    {
        var started = time.GetTimestamp();
        try
        {
            while (time.GetElapsedTime(started) < atMost)
            {
                if (await Look().WaitAsync(stop) > after) return;
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The reader went, or the node stops.
        }
    }

    private Task<long> Look()
    {
        lock (_lock)
        {
            if (_look is null or { IsCompleted: true }) _look = LookLater();
            return _look;
        }
    }

    private async Task<long> LookLater()
    {
        await Task.Delay(LookEvery, time);
        try
        {
            return (await chain.Head()).Number;
        }
        catch (Storage.StoreUnavailableException)
        {
            return 0;
        }
    }
}
