using System.Globalization;
using FleetMdm.Api.Admin;

namespace FleetMdm.Api.Limits;

/// <summary>Lets a request in by the gate that its endpoint names, or answers 503 with Retry-After.</summary>
internal sealed class AdmissionMiddleware(RequestDelegate next, FleetGates gates)
{
    /// <summary>iPads that were turned away come back spread over this time, in seconds: not all at once again.</summary>
    private const int DeviceRetrySeconds = 30;
    private const int AdminRetrySeconds = 5;

    private static readonly byte[] Full = Problems.StaticBody(StatusCodes.Status503ServiceUnavailable, ProblemCodes.Busy,
        "The server is full", "More requests are being worked on than this node takes at once. Nothing was done; try again.");

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<AdmissionMetadata>() is not { } admission) return next(context);

        var gate = gates[admission.Traffic];
        var entered = gate.EnterAsync(context.RequestAborted);
        if (!entered.IsCompletedSuccessfully) return WaitAsync(context, admission.Traffic, gate, entered);
        return entered.GetAwaiter().GetResult() ? RunAsync(context, gate) : RefuseAsync(context, admission.Traffic);
    }

    private async Task RunAsync(HttpContext context, AdmissionGate gate)
    {
        try
        {
            await next(context);
        }
        finally
        {
            gate.Leave();
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

        var seconds = 1 + Random.Shared.Next(traffic == Traffic.Device ? DeviceRetrySeconds : AdminRetrySeconds);
        var response = context.Response;
        response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        response.ContentType = "application/problem+json";
        response.ContentLength = Full.Length;
        response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        return response.Body.WriteAsync(Full, 0, Full.Length);
    }
}
