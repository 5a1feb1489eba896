using System.Security.Cryptography;
using FleetMdm.Grains.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Identity;

/// <inheritdoc cref="ICertificateAuthorityGrain"/>
/// <remarks>
/// Everything is made in memory and handed out only after it was written. When two activations race, the storage's version
/// check lets one write only; the other deactivates and the next call finds what was written.
/// </remarks>
[GrainType("certificate-authority")]
public sealed partial class CertificateAuthorityGrain(
    [PersistentState("certificate-authority", GrainServices.ControlStorage)] IPersistentState<CertificateAuthorityState> state,
    SecretSealer sealer,
    IOptions<CaOptions> options,
    TimeProvider time,
    ILogger<CertificateAuthorityGrain> logger) : Grain, ICertificateAuthorityGrain
{
    public async Task<SealedAuthority> GetSealed()
    {
        var present = state.State.Authority;
        // RSA keys take seconds to make: not in the grain's turn, where Orleans would warn of it.
        var next = await Task.Run(() => present is null ? Create() : Renew(present));
        if (!ReferenceEquals(next, present))
            await Write(next);
        return next;
    }

    private async Task Write(SealedAuthority next)
    {
        var before = state.State.Authority;
        state.State.Authority = next;
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            // Whether it was written is not known: only a fresh read may say what stands.
            state.State.Authority = before;
            DeactivateOnIdle();
            throw;
        }
        if (before is null)
            LogCreated(next.Organization, options.Value.KeyType);
        else
            LogRenewed(next.Version);
    }

    private SealedAuthority Create()
    {
        var now = time.GetUtcNow();
        var organization = options.Value.Organization;
        var root = CertificateAuthority.CreateRoot(
            options.Value.KeyType, organization, now, now.AddYears(options.Value.LifetimeYears) - now);
        using var ca = new CertificateAuthority(root);
        return new SealedAuthority
        {
            Version = 1,
            Organization = organization,
            Ca = Seal(root, SealedAuthority.CaKeyPurpose),
            RegistrationAuthorities = [NewRegistrationAuthority(ca, organization)],
            ProfileSigner = NewProfileSigner(ca, organization),
            SealedChallengeKey = sealer.Seal(SealedAuthority.ChallengeKeyPurpose, RandomNumberGenerator.GetBytes(OneTimeChallenge.KeyBytes)),
            ForIdentitiesOnly = true,
        };
    }

    /// <summary>Gives back the same object when nothing is due.</summary>
    private SealedAuthority Renew(SealedAuthority present)
    {
        var end = IdentityCertificate.Parse(present.Ca.Certificate).NotAfter;
        var renewRegistration = ServiceCertificate.IsDue(present.RegistrationAuthorities[0], end, time.GetUtcNow());
        var renewSigner = ServiceCertificate.IsDue(present.ProfileSigner, end, time.GetUtcNow());
        if (!renewRegistration && !renewSigner)
            return present;
        using var ca = new CertificateAuthority(
            new KeyedCertificate(present.Ca.Certificate, sealer.Open(SealedAuthority.CaKeyPurpose, present.Ca.SealedKey)));
        return present with
        {
            Version = present.Version + 1,
            RegistrationAuthorities = renewRegistration
                ? [NewRegistrationAuthority(ca, present.Organization), present.RegistrationAuthorities[0]]
                : present.RegistrationAuthorities,
            ProfileSigner = renewSigner ? NewProfileSigner(ca, present.Organization) : present.ProfileSigner,
        };
    }

    private SealedCertificate NewRegistrationAuthority(CertificateAuthority ca, string organization) =>
        Seal(ca.IssueRegistrationAuthority(organization, time.GetUtcNow(), ServiceLifetime), SealedAuthority.RegistrationAuthorityKeyPurpose);

    private SealedCertificate NewProfileSigner(CertificateAuthority ca, string organization) =>
        Seal(ca.IssueProfileSigner(organization, time.GetUtcNow(), ServiceLifetime), SealedAuthority.ProfileSignerKeyPurpose);

    private TimeSpan ServiceLifetime => TimeSpan.FromDays(options.Value.ServiceCertificateDays);

    private SealedCertificate Seal(KeyedCertificate keyed, string purpose) => new(keyed.Certificate, sealer.Seal(purpose, keyed.PrivateKey));

    [LoggerMessage(2300, LogLevel.Information, "The certificate authority of {Organization} was made, with a key of type {KeyType}. Its keys are sealed with the master key: back that up.")]
    private partial void LogCreated(string organization, CaKeyType keyType);

    [LoggerMessage(2301, LogLevel.Information, "Certificates of the certificate authority's services were renewed (version {Version}).")]
    private partial void LogRenewed(long version);
}
