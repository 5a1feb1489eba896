using System.Text;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Limits;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Operations;

/// <summary><c>GET /api/v1/operations/{id}/events</c>: the counts of an operation as they change, as server-sent events.</summary>
/// <remarks>
/// A reader that is slow is sent fewer events, each with the counts of that moment: nothing piles up for it. One that takes nothing
/// at all for <see cref="StalledAfter"/> is cut off. A stream ends when the operation is complete (event <c>complete</c>), when
/// the reader's token is revoked, when the node stops, and after <see cref="Longest"/>; a browser then comes again by itself.
/// </remarks>
internal static class OperationEvents
{
    public const string ContentType = "text/event-stream";

    private static readonly TimeSpan HeartbeatAfter = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan StalledAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private static readonly byte[] Start = "retry: 3000\n\n"u8.ToArray();
    private static readonly byte[] Heartbeat = ": still here\n\n"u8.ToArray();

    /// <summary>Watch an operation</summary>
    /// <remarks>Server-sent events: <c>counts</c> when something changed, at most two a second, and <c>complete</c> at the end. The
    /// data is the operation as JSON.</remarks>
    public static async Task<IResult> Stream(
        string id, HttpContext context, OperationWatch watch, StreamShares shares, TokenVerifier tokens, AccountVerifier accounts, IHostApplicationLifetime lifetime, TimeProvider time)
    {
        if (await watch.Describe(Text.Uuid(id)?.ToString("D") ?? throw OperationEndpoints.NotFound()) is not { } operation)
            throw OperationEndpoints.NotFound();
        return new Events(operation, FleetUser.Of(context), watch, shares, tokens, accounts, lifetime, time);
    }

    private sealed class Events(
        OperationDescription first, FleetUser reader, OperationWatch watch, StreamShares shares, TokenVerifier tokens, AccountVerifier accounts, IHostApplicationLifetime lifetime, TimeProvider time)
        : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            using var share = shares.TryBegin(reader.TokenId);
            if (share is null)
            {
                await Problems.Of(StatusCodes.Status503ServiceUnavailable, ProblemCodes.Busy, "Too many event streams",
                    $"This token watches {shares.MostForEach} operations on this node already. Close some, or ask for the operation itself.", retryAfter: 5).ExecuteAsync(httpContext);
                return;
            }

            response.ContentType = ContentType;
            response.Headers.CacheControl = "no-store";
            // nginx holds answers back otherwise.
            response.Headers["X-Accel-Buffering"] = "no";

            using var stop = CancellationTokenSource.CreateLinkedTokenSource(httpContext.RequestAborted, lifetime.ApplicationStopping);
            stop.CancelAfter(Longest);
            try
            {
                await Run(response, stop.Token);
            }
            catch (OperationCanceledException)
            {
                // The reader went, the node stops, or the hour is over.
            }
            catch (Exception e) when (response.HasStarted && e is not OperationCanceledException)
            {
                // The store or the cluster is away: the reader comes again, and is told 503 then.
                httpContext.Abort();
            }
        }

        private async Task Run(HttpResponse response, CancellationToken stop)
        {
            await Write(response, Start, stop);
            var sent = Array.Empty<byte>();
            var sentAt = time.GetTimestamp();
            for (var operation = first; ;)
            {
                var view = OperationView.Of(operation);
                var complete = view.Complete;
                var words = Event(complete ? "complete" : "counts", view);
                if (!words.AsSpan().SequenceEqual(sent))
                {
                    await Write(response, words, stop);
                    (sent, sentAt) = (words, time.GetTimestamp());
                }
                else if (time.GetElapsedTime(sentAt) >= HeartbeatAfter)
                {
                    await Write(response, Heartbeat, stop);
                    sentAt = time.GetTimestamp();
                }

                if (complete) return;
                await Task.Delay(OperationWatch.Interval, time, stop);
                if (!await (reader.AccountId is null ? tokens.IsStillGood(reader) : accounts.IsStillGood(reader)) || await watch.Describe(operation.Id) is not { } next) return;
                operation = next;
            }
        }

        private async Task Write(HttpResponse response, byte[] bytes, CancellationToken stop)
        {
            using var stalled = CancellationTokenSource.CreateLinkedTokenSource(stop);
            stalled.CancelAfter(StalledAfter);
            await response.Body.WriteAsync(bytes, stalled.Token);
            await response.Body.FlushAsync(stalled.Token);
        }

        private static byte[] Event(string name, OperationView operation) => Encoding.UTF8.GetBytes(
            $"event: {name}\ndata: {JsonSerializer.Serialize(operation, AdminJson.Default.OperationView)}\n\n");
    }
}
