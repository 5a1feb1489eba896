using System.Globalization;
using FleetMdm.Api.Rest;
using Microsoft.AspNetCore.Http.Features;

namespace FleetMdm.Api.Limits;

// A request comes in by these steps:
//
//   1. body    small ones are here whole before they take a place: whoever sends slowly holds a connection, nobody else's turn
//   2. gate    of the kind of traffic that its endpoint names; large bodies of iPads, which cannot be awaited, have their own
//   3. work    the endpoint; it may give the place back before the answer has left (FleetGates.LeaveEarly)
//
/// <summary>Lets a request in by the gate that its endpoint names, or answers 503 with Retry-After.</summary>
internal sealed class AdmissionMiddleware(RequestDelegate next, FleetGates gates)
{
    /// <summary>iPads that were turned away come back spread over this time, in seconds: not all at once again.</summary>
    private const int DeviceRetrySeconds = 30;
    private const int AdminRetrySeconds = 5;

    /// <summary>Bodies of at most so many bytes are awaited; it is what a connection may buffer (WebHosting).</summary>
    private const int SmallBody = 64 * 1024;

    private static readonly byte[] Full = Problems.StaticBody(StatusCodes.Status503ServiceUnavailable, ProblemCodes.Busy,
        "The server is full", "More requests are being worked on than this node takes at once. Nothing was done; try again.");

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<AdmissionMetadata>() is not { } admission) return next(context);

        // 1
        if (context.Request.ContentLength > SmallBody) return EnterAsync(context, Large(admission.Traffic), passing: true);
        return HasArrived(context) ? EnterAsync(context, admission.Traffic) : WaitForBodyAsync(context, admission.Traffic);
    }

    private static Traffic Large(Traffic traffic) => traffic == Traffic.Device ? Traffic.LargeDevice : traffic;

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
        var large = false;
        try
        {
            while (!large)
            {
                var read = await context.Request.BodyReader.ReadAsync(context.RequestAborted);
                context.Request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                if (read.IsCompleted) break;
                large = read.Buffer.Length > SmallBody;
            }
        }
        catch (BadHttpRequestException e)
        {
            // Too slow (Kestrel's minimum rate) or broken off; the connection ends with this answer.
            context.Response.StatusCode = e.StatusCode;
            context.Response.Headers.Connection = "close";
            return;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client went away: there is nothing more to read, and nobody to answer.
            context.Abort();
            return;
        }

        await EnterAsync(context, large ? Large(traffic) : traffic, passing: large);
    }

    /// <param name="passing">The gate is not the one that the endpoint names.</param>
    private Task EnterAsync(HttpContext context, Traffic traffic, bool passing = false)
    {
        // 2
        if (passing) context.Features.Set(new AdmittedBy(traffic));
        var gate = gates[traffic];
        var entered = gate.EnterAsync(context.RequestAborted);
        if (!entered.IsCompletedSuccessfully) return WaitAsync(context, traffic, gate, entered);
        return entered.GetAwaiter().GetResult() ? RunAsync(context, gate) : RefuseAsync(context, traffic);
    }

    private async Task RunAsync(HttpContext context, AdmissionGate gate)
    {
        // 3
        try
        {
            await next(context);
        }
        finally
        {
            if (context.Features.Get<LeftEarly>() is null) gate.Leave();
        }
    }

    private async Task WaitAsync(HttpContext context, Traffic traffic, AdmissionGate gate, ValueTask<bool> entered)
    {
        if (await entered) await RunAsync(context, gate);
        else await RefuseAsync(context, traffic);
    }

    private Task RefuseAsync(HttpContext context, Traffic traffic)
    {
        gates.CountRefusal(traffic);
        if (context.RequestAborted.IsCancellationRequested) return Task.CompletedTask;

        var seconds = 1 + Random.Shared.Next(traffic is Traffic.Device or Traffic.LargeDevice ? DeviceRetrySeconds : AdminRetrySeconds);
        var response = context.Response;
        response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        response.ContentType = "application/problem+json";
        response.ContentLength = Full.Length;
        response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return response.Body.WriteAsync(Full, 0, Full.Length);
    }
}
