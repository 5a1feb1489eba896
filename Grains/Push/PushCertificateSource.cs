using System.Security.Cryptography;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Observability;
using FleetMdm.Grains.Sweeps;
using FleetMdm.Protocol.Push;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Push;

/// <summary>
/// This node's copy of the push certificate, and what APNs last said of it.
/// </summary>
/// <remarks>
/// One loop asks the certificate's grain every few seconds for a newer version, and at once when a certificate was installed on this
/// node. A grain that cannot be asked leaves the present copy in use. Readers take a snapshot; any thread may.
/// </remarks>
public sealed partial class PushCertificateSource(
    IGrainFactory grains, SecretSealer sealer, TimeProvider time, ILogger<PushCertificateSource> logger)
{
    /// <summary>How late another node may notice a renewed certificate. One small call a node.</summary>
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(5);

    /// <summary>How long a certificate that APNs refused is left alone before one more push tries it.</summary>
    private static readonly TimeSpan RefusalRest = TimeSpan.FromMinutes(1);

    /// <summary>The grain's node may have died: for so long it is on its way to another one, and nobody need hear of it.</summary>
    private static readonly TimeSpan GrainMovesFor = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan AskOnceEvery = TimeSpan.FromSeconds(1);

    private readonly Wakeup _wakeup = new(time);
    private readonly Asking _asking = new();
    private readonly LogThrottle _askFailed = new(time);
    private volatile PushIdentity? _current;
    private volatile Refusal? _refusal;
    private readonly LogThrottle _unansweredSaid = new(time);
    private volatile bool _unanswered;
    private long _failingSince;

    /// <summary>The topic of the installed push certificate; null when none is installed or it is not known yet.</summary>
    public string? Topic => _current?.Topic;

    /// <summary>Raised when <see cref="Current"/> has changed.</summary>
    internal event Action? Changed;

    internal PushIdentity? Current => _current;

    /// <summary>The certificate, if there is one that can be used now.</summary>
    /// <param name="unusable">Otherwise: why not, as a word for metrics.</param>
    internal PushIdentity? TryUse(out string unusable)
    {
        var now = time.GetUtcNow();
        unusable = _current switch
        {
            null => PushResult.NoCertificate,
            { } identity when identity.NotAfter <= now => PushResult.CertificateExpired,
            { } identity when _refusal is { } refusal && refusal.Version == identity.Version && Holds(refusal) => PushResult.CertificateRefused,
            _ => "",
        };
        return unusable.Length == 0 ? _current : null;
    }

    /// <summary>Ask the grain now instead of a few seconds later.</summary>
    internal void Refresh() => _wakeup.Set();

    /// <summary>APNs refused the certificate. True for the first to say so in this rest.</summary>
    internal bool Refuse(long version, string reason)
    {
        if (_current?.Version != version || (_refusal is { } known && known.Version == version && Holds(known)))
            return false;
        _refusal = new Refusal(version, time.GetTimestamp());
        _ = ReportStanding(version, reason);
        return true;
    }

    /// <summary>APNs took a push with this certificate.</summary>
    internal void Accept(long version)
    {
        if (_refusal is not { } refusal || refusal.Version != version)
            return;
        _refusal = null;
        _ = ReportStanding(version, null);
    }

    /// <summary>A push was given up since APNs did not answer it. Said to the certificate's grain once a minute.</summary>
    internal void Unanswered()
    {
        if (!_unansweredSaid.Due(out _)) return;
        _unanswered = true;
        _ = ReportAnswers(time.GetUtcNow());
    }

    /// <summary>APNs answered a push, whatever it said. Called for each push: it only reads.</summary>
    internal void Answered()
    {
        if (!_unanswered) return;
        _unanswered = false;
        _ = ReportAnswers(null);
    }

    internal async Task Run(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            await Ask();
            await _wakeup.Wait(AskEvery, cancellationToken);
        }
    }

    /// <summary>Looks for a certificate when none is known; joins who is looking, and does not look again within a second.</summary>
    internal async Task AskOnce()
    {
        Task asking;
        lock (_asking)
        {
            if (_asking.Running is { IsCompleted: true } && time.GetElapsedTime(_asking.At) < AskOnceEvery)
                return;
            if (_asking.Running is null or { IsCompleted: true })
                (_asking.Running, _asking.At) = (Ask(), time.GetTimestamp());
            asking = _asking.Running;
        }
        await asking;
    }

    /// <summary>Looks once for a newer certificate.</summary>
    internal async Task Ask()
    {
        try
        {
            var known = _current?.Version ?? 0;
            var found = await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).GetSealed(known);
            Interlocked.Exchange(ref _failingSince, 0);
            if (found is not { } newer)
                return;
            var identity = new PushIdentity(newer.Version, Open(newer));
            _current = identity;
            LogInUse(logger, identity.Version, identity.Topic, identity.NotAfter);
            Changed?.Invoke();
        }
        catch (Exception e)
        {
            Interlocked.CompareExchange(ref _failingSince, time.GetTimestamp(), 0);
            var moves = e is OrleansException or TimeoutException && time.GetElapsedTime(Interlocked.Read(ref _failingSince)) < GrainMovesFor;
            if (!moves && _askFailed.Due(out _))
                LogAskFailed(logger, e);
        }
    }

    private PushCertificate Open(SealedPushCertificate stored)
    {
        var key = sealer.Open(SealedPushCertificate.KeyPurpose, stored.SealedKey);
        try
        {
            return PushCertificate.Open(stored.Certificate, key);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
    }

    private async Task ReportStanding(long version, string? refusal)
    {
        try
        {
            await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).ReportStanding(version, refusal);
        }
        catch (Exception e)
        {
            if (_askFailed.Due(out _))
                LogAskFailed(logger, e);
        }
    }

    private async Task ReportAnswers(DateTimeOffset? unansweredAt)
    {
        try
        {
            await grains.GetGrain<IPushCertificateGrain>(IPushCertificateGrain.Key).ReportAnswers(unansweredAt);
        }
        catch (Exception e)
        {
            if (_askFailed.Due(out _))
                LogAskFailed(logger, e);
        }
    }

    private sealed class Asking
    {
        public Task? Running;
        public long At;
    }

    private bool Holds(Refusal refusal) => time.GetElapsedTime(refusal.Since) < RefusalRest;

    /// <param name="Since">A timestamp: it ends though the clock is put back.</param>
    private sealed record Refusal(long Version, long Since);

    [LoggerMessage(2400, LogLevel.Information, "Push certificate version {Version} is in use: topic {Topic}, valid until {NotAfter:yyyy-MM-dd}")]
    private static partial void LogInUse(ILogger logger, long version, string topic, DateTimeOffset notAfter);

    [LoggerMessage(2401, LogLevel.Warning, "The push certificate's grain could not be asked or its key could not be opened; the present certificate stays in use")]
    private static partial void LogAskFailed(ILogger logger, Exception exception);
}
