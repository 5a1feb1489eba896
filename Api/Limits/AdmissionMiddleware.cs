using System.Globalization;
using FleetMdm.Api.Hosting;
using FleetMdm.Api.Rest;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Limits;

// A request comes in by these steps:
//
//   1. body    small ones are here whole before they take a place: whoever sends slowly holds a connection, nobody else's turn
//   2. large   from an iPad only, and only when its message says who it is by a certificate that may identify one (LargeBodyMetadata)
//   3. gate    of the kind of traffic that its endpoint names; large bodies of iPads, which cannot be awaited, have their own, and slow ones make room (LargeBodies)
//   4. work    the endpoint; it may give the place back before the answer has left (FleetGates.LeaveEarly)
//
/// <summary>Lets a request in by the gate that its endpoint names, or answers 503 with Retry-After.</summary>
internal sealed class AdmissionMiddleware(
    RequestDelegate next, FleetGates gates, LargeBodies largeBodies, ClientAddress clients, IOptions<LimitsOptions> options, TimeProvider time)
{
    /// <summary>iPads that were turned away come back spread over this time, in seconds: not all at once again.</summary>
    private const int DeviceRetrySeconds = 30;
    private const int AdminRetrySeconds = 5;

    /// <summary>Bodies of at most so many bytes are awaited; it is what a connection may buffer (WebHosting).</summary>
    private const int SmallBody = 64 * 1024;

    /// <summary>How often one that waits for a place among the large bodies looks for a slow one.</summary>
    private static readonly TimeSpan LookForSlow = TimeSpan.FromSeconds(1);

    private static readonly byte[] Full = Problems.StaticBody(StatusCodes.Status503ServiceUnavailable, ProblemCodes.Busy,
        "The server is full", "More requests are being worked on than this node takes at once. Nothing was done; try again.");

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<AdmissionMetadata>() is not { } admission) return next(context);

        // 1
        // Kestrel takes further codings before the last one, and does nothing about them: what a proxy makes of such a body may be something else.
        if (context.Request.Headers.TransferEncoding is { Count: > 0 } coding && !string.Equals(coding, "chunked", StringComparison.OrdinalIgnoreCase))
        {
            End(context, StatusCodes.Status400BadRequest);
            return Task.CompletedTask;
        }

        if (context.Request.ContentLength > SmallBody) return LargeBodyAsync(context, admission.Traffic);
        return HasArrived(context) ? EnterAsync(context, admission.Traffic) : WaitForBodyAsync(context, admission.Traffic);
    }

    /// <summary>True: there is no body, or all of it has come with the headers, as a rule.</summary>
    private static bool HasArrived(HttpContext context)
    {
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }) return true;
        var reader = context.Request.BodyReader;
        if (!reader.TryRead(out var read)) return false;
        reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        return read.IsCompleted;
    }

    private async Task WaitForBodyAsync(HttpContext context, Traffic traffic)
    {
        using var deadline = NewDeadline(context);
        var large = false;
        try
        {
            while (!large)
            {
                var read = await context.Request.BodyReader.ReadAsync(deadline.Token);
                context.Request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                if (read.IsCompleted) break;
                large = read.Buffer.Length > SmallBody;
            }
        }
        catch (BadHttpRequestException e)
        {
            // Too slow (Kestrel's minimum rate) or broken off; the connection ends with this answer.
            End(context, e.StatusCode);
            return;
        }
        catch (OperationCanceledException) when (deadline.HasPassed)
        {
            End(context, StatusCodes.Status408RequestTimeout);
            return;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client went away: there is nothing more to read, and nobody to answer.
            context.Abort();
            return;
        }

        if (large)
        {
            await LargeBodyAsync(context, traffic);
            return;
        }

        // It is here: how long it waits for its turn is the gate's.
        context.Features.Set<BodyDeadline>(null);
        await EnterAsync(context, traffic);
    }

    /// <summary>It is received by the endpoint, within a deadline.</summary>
    private async Task LargeBodyAsync(HttpContext context, Traffic traffic)
    {
        using var deadline = context.Features.Get<BodyDeadline>() is null ? NewDeadline(context) : null;
        if (traffic is Traffic.Admin or Traffic.Stream)
        {
            await EnterAsync(context, traffic);
            return;
        }

        // 2
        if (context.GetEndpoint()!.Metadata.GetMetadata<LargeBodyMetadata>() is not { } senders)
        {
            End(context, StatusCodes.Status413PayloadTooLarge);
            return;
        }

        using var admitted = await senders.Admit(context);
        if (admitted is not null) await EnterAsync(context, Traffic.LargeDevice, passing: true);
    }

    /// <summary>Waits for a place among the large bodies, and asks slow ones for theirs.</summary>
    private async Task<bool> WaitForLargePlaceAsync(AdmissionGate gate, UInt128 address, CancellationToken gone)
    {
        var turn = gate.EnterAsync(gone, address).AsTask();
        while (!turn.IsCompleted)
        {
            largeBodies.MakeRoom(address);
            using var look = new CancellationTokenSource();
            await Task.WhenAny(turn, Task.Delay(LookForSlow, time, look.Token));
            await look.CancelAsync();
        }

        return await turn;
    }

    private BodyDeadline NewDeadline(HttpContext context)
    {
        var deadline = new BodyDeadline(TimeSpan.FromSeconds(options.Value.BodySeconds), time);
        context.Features.Set(deadline);
        return deadline;
    }

    private static void End(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.Connection = "close";
    }

    /// <param name="passing">The gate is not the one that the endpoint names.</param>
    private Task EnterAsync(HttpContext context, Traffic traffic, bool passing = false)
    {
        // 3
        if (passing) context.Features.Set(new AdmittedBy(traffic));
        var gate = gates[traffic];
        return gate.TryEnter() ? RunAsync(context, gate) : WaitAsync(context, traffic, gate);
    }

    private async Task RunAsync(HttpContext context, AdmissionGate gate)
    {
        // 4
        using var receiving = gate == gates[Traffic.LargeDevice] && context.Features.Get<BodyDeadline>() is { } deadline
            ? largeBodies.Begin(ClientAddress.KeyOf(clients.Of(context)), deadline)
            : null;
        try
        {
            await next(context);
        }
        finally
        {
            if (context.Features.Get<LeftEarly>() is null) gate.Leave();
        }
    }

    private async Task WaitAsync(HttpContext context, Traffic traffic, AdmissionGate gate)
    {
        var address = ClientAddress.KeyOf(clients.Of(context));
        if (traffic == Traffic.LargeDevice
                ? await WaitForLargePlaceAsync(gate, address, context.RequestAborted)
                : await gate.EnterAsync(context.RequestAborted, address))
            await RunAsync(context, gate);
        else await RefuseAsync(context, traffic);
    }

    private Task RefuseAsync(HttpContext context, Traffic traffic)
    {
        gates.CountRefusal(traffic);
        if (context.RequestAborted.IsCancellationRequested) return Task.CompletedTask;

        var seconds = 1 + Random.Shared.Next(traffic is Traffic.Admin or Traffic.Stream ? AdminRetrySeconds : DeviceRetrySeconds);
        var response = context.Response;
        response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        response.ContentType = "application/problem+json";
        response.ContentLength = Full.Length;
        response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return response.Body.WriteAsync(Full, 0, Full.Length);
    }
}
