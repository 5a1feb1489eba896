using System.Security.Cryptography;
using FleetMdm.Api.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Enrolment;

/// <summary>
/// Fetches the certificate authority from its grain, opens its keys with the master key, and keeps it as an immutable
/// snapshot that is looked at again every few minutes.
/// </summary>
/// <remarks>
/// One background loop refreshes; a request that comes before the first snapshot fetches it itself (one at a time). When a
/// refresh fails, the snapshot at hand goes on being used: its certificates are renewed long before they end.
/// </remarks>
public sealed partial class EnrolmentAuthority(
    IGrainFactory grains,
    SecretSealer sealer,
    IOptions<MdmOptions> mdm,
    IOptions<ScepOptions> scep,
    IOptions<HttpOptions> http,
    TimeProvider time,
    ILogger<EnrolmentAuthority> logger) : BackgroundService
{
    /// <summary>A renewed certificate has months of overlap with its predecessor; this is for an operator's patience.</summary>
    private static readonly TimeSpan RefreshEvery = TimeSpan.FromMinutes(5);

    /// <summary>While there is no snapshot nobody can enrol and there is no TLS certificate.</summary>
    private static readonly TimeSpan RetryAfterFailure = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _loading = new(1, 1);
    private readonly Lazy<IReadOnlyList<IdentityCertificate>> _trustedCas = new(() => LoadTrustedCas(mdm.Value.TrustedIdentityCas));
    private volatile AuthoritySnapshot? _current;

    /// <summary>Null until it was fetched for the first time.</summary>
    public AuthoritySnapshot? Current => _current;

    /// <exception cref="AuthorityUnavailableException">There is none yet and it could not be fetched.</exception>
    public ValueTask<AuthoritySnapshot> Get() => _current is { } current ? ValueTask.FromResult(current) : new(Load());

    /// <summary>Looks whether the grain has something newer.</summary>
    /// <exception cref="AuthorityUnavailableException">It could not be fetched.</exception>
    public async Task Refresh() => await Load(refresh: true);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Refresh();
            }
            catch (AuthorityUnavailableException e)
            {
                LogUnavailable(e);
            }
            await Task.Delay(_current is null ? RetryAfterFailure : RefreshEvery, time, stoppingToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<AuthoritySnapshot> Load(bool refresh = false)
    {
        await _loading.WaitAsync();
        try
        {
            if (!refresh && _current is { } loaded)
                return loaded;
            var present = await grains.GetGrain<ICertificateAuthorityGrain>(ICertificateAuthorityGrain.Key).GetSealed();
            var tlsRoot = await FindTlsRoot(present);
            if (_current is not { } current || current.Version != present.Version || !IsSame(current.SealedTlsRoot, tlsRoot))
                _current = Open(present, tlsRoot, _current);
            return _current!;
        }
        catch (CryptographicException e)
        {
            throw new AuthorityUnavailableException(
                "The certificate authority's keys cannot be opened: this node has another master key than the one that sealed them.", e);
        }
        catch (Exception e)
        {
            // Whatever keeps the grain from answering, the caller can only come again later.
            throw new AuthorityUnavailableException("The certificate authority's keys cannot be fetched now.", e);
        }
        finally
        {
            _loading.Release();
        }
    }

    /// <summary>The root that permits this server's host. Null: it cannot be had now, and nothing depends on it yet.</summary>
    private async Task<SealedTlsRoot?> FindTlsRoot(SealedAuthority authority)
    {
        try
        {
            return await grains.GetGrain<ITlsRootGrain>(ITlsRootGrain.Key).Get(authority.Organization, mdm.Value.PublicHost);
        }
        catch (Exception e) when (!UsesTlsRoot(authority))
        {
            // All nodes with grains are of a version that does not know it, for instance.
            LogNoTlsRoot(e);
            return _current?.SealedTlsRoot;
        }
    }

    private bool UsesTlsRoot(SealedAuthority authority) => http.Value.SeparateTlsRoot ?? authority.ForIdentitiesOnly;

    private static bool IsSame(SealedTlsRoot? one, SealedTlsRoot? other) =>
        one is null || other is null
            ? one == other
            : one.Root.Certificate.AsSpan().SequenceEqual(other.Root.Certificate) && one.ProfileSigner.Certificate.AsSpan().SequenceEqual(other.ProfileSigner.Certificate);

    private AuthoritySnapshot Open(SealedAuthority authority, SealedTlsRoot? tls, AuthoritySnapshot? before)
    {
        var ca = new CertificateAuthority(Open(authority.Ca, SealedAuthority.CaKeyPurpose));
        var responder = new ScepResponder(
            ca.Certificate,
            [.. authority.RegistrationAuthorities.Append(authority.NextRegistrationAuthority).OfType<SealedCertificate>()
                .Select(ra => Open(ra, SealedAuthority.RegistrationAuthorityKeyPurpose))],
            scep.Value.AllowLegacyAlgorithms);
        IdentityCertificate[] ownCas =
        [
            ca.Certificate, .. authority.NextCa is { } prepared ? [IdentityCertificate.Parse(prepared.Certificate)] : Array.Empty<IdentityCertificate>(),
            .. (authority.FormerCas ?? []).Select(former => IdentityCertificate.Parse(former.Certificate)),
        ];
        var sameCas = before is not null && before.OwnCas.Select(own => own.Sha256Hex).ToHashSet(StringComparer.Ordinal).SetEquals(ownCas.Select(own => own.Sha256Hex));
        LogOpened(authority.Version, ca.Certificate.SubjectName, ca.Certificate.Sha256Hex, ca.Certificate.NotAfter);
        var usesTlsRoot = UsesTlsRoot(authority);
        var tlsRoot = tls is null ? null : IdentityCertificate.Parse(tls.Root.Certificate);
        if (!usesTlsRoot && http.Value.PresentsBuiltInCa) LogOneForBoth();
        return new AuthoritySnapshot
        {
            Version = authority.Version,
            Organization = authority.Organization,
            Ca = ca,
            OwnCas = ownCas,
            Scep = responder,
            ScepCertificates = responder.CaCertificates(),
            TlsIssuer = usesTlsRoot ? new CertificateAuthority(Open(tls!.Root, SealedTlsRoot.KeyPurpose)) : ca,
            Roots = usesTlsRoot ? [tlsRoot!] : tlsRoot is null ? [ca.Certificate] : [ca.Certificate, tlsRoot],
            ProfileSigner = (usesTlsRoot
                ? Open(tls!.ProfileSigner, SealedTlsRoot.ProfileSignerKeyPurpose)
                : Open(authority.ProfileSigner, SealedAuthority.ProfileSignerKeyPurpose)).Open(),
            SealedTlsRoot = tls,
            ChallengeKey = sealer.Open(SealedAuthority.ChallengeKeyPurpose, authority.SealedChallengeKey),
            Verifier = sameCas ? before!.Verifier : new IdentityVerifier(new IdentityVerifierSettings
            {
                OwnCas = ownCas,
                TrustedCas = _trustedCas.Value,
                ExpiredGrace = TimeSpan.FromDays(mdm.Value.ExpiredCertificateGraceDays),
                Signatures = mdm.Value.AllowSha1Signatures ? WeakestHash.Sha1 : WeakestHash.Sha256,
                TrustedCertificates = scep.Value.AllowLegacyAlgorithms ? WeakestHash.Sha1 : WeakestHash.Sha256,
                SigningTimeTolerance = mdm.Value.SigningTimeToleranceMinutes is { } minutes ? TimeSpan.FromMinutes(minutes) : null,
            }),
        };
    }

    private KeyedCertificate Open(SealedCertificate certificate, string purpose) =>
        new(certificate.Certificate, sealer.Open(purpose, certificate.SealedKey));

    /// <exception cref="OptionsValidationException">A file holds no certificate that can be a CA's.</exception>
    private static IReadOnlyList<IdentityCertificate> LoadTrustedCas(IEnumerable<string> files) => PemCas.Load(files, MdmOptions.Section, "TrustedIdentityCas");

    /// <summary>For the validation at start: reads the files of <c>Mdm:TrustedIdentityCas</c> once.</summary>
    internal void CheckTrustedCas() => _ = _trustedCas.Value;

    [LoggerMessage(3300, LogLevel.Information, "Certificate authority {Subject} opened (version {Version}, SHA-256 {Sha256}, until {NotAfter:yyyy-MM-dd}).")]
    private partial void LogOpened(long version, string subject, string sha256, DateTimeOffset notAfter);

    [LoggerMessage(3302, LogLevel.Information, "iPads trust the CA of identities for TLS too, as in an earlier version: its key could pass for any server. docs/operations.md says how to move to a root that permits this server only.")]
    private partial void LogOneForBoth();

    [LoggerMessage(3303, LogLevel.Information, "The root for TLS cannot be had now; it is not used yet. Looking again in some minutes.")]
    private partial void LogNoTlsRoot(Exception e);

    [LoggerMessage(3301, LogLevel.Warning, "The certificate authority is not available; trying again.")]
    private partial void LogUnavailable(Exception e);
}
