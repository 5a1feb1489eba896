using FleetMdm.Grains.Sweeps;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Push;

/// <summary>Says in the log that the push certificate ends: 30, 14, 7 and 1 days before, and when it has ended. Once each, and again when the sweep
/// moves to another node.</summary>
internal sealed partial class PushCertificateWatch(PushCertificateSource source, TimeProvider time, ILogger<PushCertificateWatch> logger) : ISweepDuty
{
    private static readonly int[] Days = [0, 1, 7, 14, 30];

    private (long Version, int Days)? _said;

    public TimeSpan Every => TimeSpan.FromHours(1);

    public Task Run(CancellationToken cancellationToken)
    {
        if (source.Current is not { } certificate || StepOf(certificate.NotAfter - time.GetUtcNow()) is not { } step) return Task.CompletedTask;
        if (_said is { } said && said.Version == certificate.Version && said.Days <= step) return Task.CompletedTask;
        _said = (certificate.Version, step);
        if (step == 0) LogEnded(logger, certificate.Topic, certificate.NotAfter);
        else LogEnds(logger, certificate.Topic, certificate.NotAfter, step);
        return Task.CompletedTask;
    }

    /// <summary>The least of the steps that is not over; null: none has come.</summary>
    internal static int? StepOf(TimeSpan left)
    {
        foreach (var days in Days)
        {
            if (left <= TimeSpan.FromDays(days)) return days;
        }

        return null;
    }

    [LoggerMessage(2443, LogLevel.Warning,
        "The push certificate of {Topic} ends on {NotAfter:yyyy-MM-dd}, within {Days} days. Renew it in Apple's portal with the same Apple Account: without it no iPad can be woken")]
    private static partial void LogEnds(ILogger logger, string topic, DateTimeOffset notAfter, int days);

    [LoggerMessage(2444, LogLevel.Error,
        "The push certificate of {Topic} has ended on {NotAfter:yyyy-MM-dd}: no iPad can be woken. Renew it in Apple's portal with the same Apple Account")]
    private static partial void LogEnded(ILogger logger, string topic, DateTimeOffset notAfter);
}
