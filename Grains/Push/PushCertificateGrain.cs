using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Grains.Devices;
using FleetMdm.Grains.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Push;
using FleetMdm.Storage;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Grains.Push;

/// <summary>The stored push certificate. The key is sealed under the master key.</summary>
[GenerateSerializer, Alias("fleetmdm.push-certificate-state")]
public sealed record PushCertificateState
{
    /// <summary>0: none is installed.</summary>
    [Id(0)] public long Version { get; set; }
    /// <summary>DER.</summary>
    [Id(1)] public byte[] Certificate { get; set; } = [];
    /// <summary>PKCS#8, sealed for the purpose <see cref="SealedPushCertificate.KeyPurpose"/>.</summary>
    [Id(2)] public byte[] SealedKey { get; set; } = [];
    [Id(3)] public string Topic { get; set; } = "";
    [Id(4)] public DateTimeOffset InstalledAt { get; set; }
    /// <summary>PKCS#10, DER: a request that was made here and whose certificate has not come yet; empty: there is none.</summary>
    [Id(5)] public byte[] Request { get; set; } = [];
    /// <summary>Its key, PKCS#8, sealed for the same purpose.</summary>
    [Id(6)] public byte[] SealedRequestKey { get; set; } = [];
    [Id(7)] public DateTimeOffset RequestedAt { get; set; }
}

/// <summary>
/// Keeps the push certificate. A certificate with another topic would cut off every iPad that enrolled under the present one for good, so it
/// takes force while there are any.
/// </summary>
/// <remarks>What APNs says of the certificate is kept in memory only: senders say it again.</remarks>
[GrainType("push-certificate")]
internal sealed partial class PushCertificateGrain(
    [PersistentState("push-certificate", GrainServices.ControlStorage)] IPersistentState<PushCertificateState> state,
    IFleetQueries fleet, SecretSealer sealer, PushCertificateSource localCopy, VendorCertificate vendor, TimeProvider time,
    ILogger<PushCertificateGrain> logger)
    : Grain, IPushCertificateGrain
{
    private static readonly TimeSpan SoonExpires = TimeSpan.FromDays(30);

    /// <summary>A node that could not reach APNs and died says nothing more; and without commands nobody tries again.</summary>
    private static readonly TimeSpan UnansweredHoldsFor = TimeSpan.FromMinutes(30);

    private string? _refusal;
    private DateTimeOffset? _unansweredAt;

    private PushCertificateState State => state.State;

    public Task<PushCertificateDescription?> Describe() => Task.FromResult(State.Version == 0 ? null : DescribeState());

    public Task<SealedPushCertificate?> GetSealed(long knownVersion) => Task.FromResult(State.Version > knownVersion
        ? new SealedPushCertificate(State.Version, State.Certificate, State.SealedKey)
        : null);

    public Task ReportStanding(long version, string? refusal)
    {
        if (version == State.Version)
            _refusal = refusal;
        return Task.CompletedTask;
    }

    public Task ReportAnswers(DateTimeOffset? unansweredAt)
    {
        _unansweredAt = unansweredAt;
        return Task.CompletedTask;
    }

    public async Task<PushCertificateRequest> BeginRequest(bool anew)
    {
        if (State.Request.Length > 0 && !anew) return DescribeRequest();
        var authority = await GrainFactory.GetGrain<ICertificateAuthorityGrain>(ICertificateAuthorityGrain.Key).GetSealed();
        // A key takes up to a second to make: not in the grain's turn.
        var made = await Task.Run(() => PushSigningRequest.Create(authority.Organization));
        try
        {
            await Write(State with
            {
                Request = made.Request,
                SealedRequestKey = sealer.Seal(SealedPushCertificate.KeyPurpose, made.PrivateKey),
                RequestedAt = time.GetUtcNow(),
            }, "The request could not be stored; make it again.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(made.PrivateKey);
        }

        LogRequested(logger);
        return DescribeRequest();
    }

    public Task<PushCertificateRequest?> FindRequest() => Task.FromResult(State.Request.Length == 0 ? null : DescribeRequest());

    private PushCertificateRequest DescribeRequest() => new()
    {
        CreatedAt = State.RequestedAt,
        Pem = PushSigningRequest.ToPem(State.Request),
        Signed = vendor.Sign(State.Request),
    };

    public async Task<PushCertificateInstalled> Install(PushCertificateUpload upload)
    {
        PushCertificate certificate;
        var kept = State.SealedRequestKey.Length == 0 ? [] : sealer.Open(SealedPushCertificate.KeyPurpose, State.SealedRequestKey);
        try
        {
            certificate = PushCertificate.Read(upload.Content, upload.Password, time.GetUtcNow(), kept);
        }
        catch (PushCertificateException e)
        {
            LogRefused(logger, e.Problem);
            return new PushCertificateInstalled(PushCertificateOutcome.Invalid, null, 0, e.Message, e.Problem.ToString());
        }
        finally
        {
            CryptographicOperations.ZeroMemory(kept);
        }

        using (certificate)
        {
            var dependants = State.Version == 0 ? 0 : await CountDependants();
            if (State.Version != 0 && State.Topic != certificate.Topic && dependants > 0 && !upload.Force)
            {
                LogRefused(logger, PushCertificateOutcome.TopicChanged);
                return new PushCertificateInstalled(
                    PushCertificateOutcome.TopicChanged, DescribeState(), dependants,
                    string.Create(CultureInfo.InvariantCulture,
                        $"The certificate has the topic {certificate.Topic}, and {dependants} iPads depend on {State.Topic}: they could never be woken again. Renew the present certificate in Apple's portal instead of making a new one."),
                    nameof(PushCertificateOutcome.TopicChanged));
            }
            if (!certificate.ExportCertificate().AsSpan().SequenceEqual(State.Certificate))
                await Store(certificate);
            return new PushCertificateInstalled(PushCertificateOutcome.Installed, DescribeState(), dependants, null, null);
        }
    }

    private async Task<long> CountDependants()
    {
        try
        {
            return await fleet.CountByTopic(State.Topic);
        }
        catch (StoreUnavailableException e)
        {
            throw new FleetUnavailableException("The iPads that depend on the push certificate could not be counted; nothing was changed.", e);
        }
    }

    /// <summary>A certificate of the request that stands ends the request; another one leaves it.</summary>
    private async Task Store(PushCertificate certificate)
    {
        var key = certificate.ExportPrivateKey();
        try
        {
            var answers = State.Request.Length > 0 && PushSigningRequest.IsFor(State.Request, certificate.Certificate);
            await Write(State with
            {
                Version = State.Version + 1,
                Certificate = certificate.ExportCertificate(),
                SealedKey = sealer.Seal(SealedPushCertificate.KeyPurpose, key),
                Topic = certificate.Topic,
                InstalledAt = time.GetUtcNow(),
                Request = answers ? [] : State.Request,
                SealedRequestKey = answers ? [] : State.SealedRequestKey,
            }, "The push certificate could not be stored; upload it again.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(key);
        }
        _refusal = null;
        LogInstalled(logger, State.Version, certificate.Topic, certificate.SerialNumber, certificate.NotAfter);
        localCopy.Refresh();
    }

    private async Task Write(PushCertificateState next, string failure)
    {
        var before = State;
        try
        {
            state.State = next;
            await state.WriteStateAsync();
        }
        catch (Exception e)
        {
            // Whether it was stored is not known: the next activation reads it.
            state.State = before;
            DeactivateOnIdle();
            throw new FleetUnavailableException(failure, e);
        }
    }

    private PushCertificateDescription DescribeState()
    {
        using var certificate = X509CertificateLoader.LoadCertificate(State.Certificate);
        var notAfter = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
        var left = notAfter - time.GetUtcNow();
        return new PushCertificateDescription
        {
            Version = State.Version,
            Topic = State.Topic,
            Subject = certificate.Subject,
            SerialNumber = certificate.SerialNumber,
            NotBefore = new DateTimeOffset(certificate.NotBefore.ToUniversalTime()),
            NotAfter = notAfter,
            InstalledAt = State.InstalledAt,
            Standing = left <= TimeSpan.Zero ? PushCertificateStanding.Expired
                : _refusal is not null ? PushCertificateStanding.Refused
                : left <= SoonExpires ? PushCertificateStanding.ExpiresSoon
                : PushCertificateStanding.Good,
            Refusal = _refusal,
            UnansweredAt = _unansweredAt is { } at && at.IsWithin(UnansweredHoldsFor, time.GetUtcNow()) ? at : null,
        };
    }

    [LoggerMessage(2440, LogLevel.Information, "Push certificate version {Version} was installed: topic {Topic}, serial number {SerialNumber}, valid until {NotAfter:yyyy-MM-dd}")]
    private static partial void LogInstalled(ILogger logger, long version, string topic, string serialNumber, DateTimeOffset notAfter);

    [LoggerMessage(2442, LogLevel.Information, "A key and a request for a push certificate were made; the key is kept, sealed, until the certificate comes")]
    private static partial void LogRequested(ILogger logger);

    [LoggerMessage(2441, LogLevel.Warning, "An uploaded push certificate was refused: {Problem}")]
    private static partial void LogRefused(ILogger logger, Enum problem);
}
