using System.Security.Cryptography;
using FleetMdm.Grains.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Identity;

// The CA of identities is changed in three steps, each one write:
//
//   1. prepare    the next CA and its registration authority are made. Both CAs are trusted; the present one issues
//   2. activate   the next CA issues, and the present one becomes a former one: trusted, without a key. iPads are renewed (RenewalSweep)
//   3. retire     a former CA is trusted no more
//
// A death between two steps leaves the state after the first of them, in which the server goes on for as long as one likes.

/// <inheritdoc cref="ICertificateAuthorityGrain"/>
[GrainType("certificate-authority")]
public sealed partial class CertificateAuthorityGrain(
    [PersistentState("certificate-authority", GrainServices.ControlStorage)] IPersistentState<CertificateAuthorityState> state,
    SecretSealer sealer,
    IOptions<CaOptions> options,
    TimeProvider time,
    ILogger<CertificateAuthorityGrain> logger) : AuthorityGrain<CertificateAuthorityState>(state, sealer, options, time), ICertificateAuthorityGrain
{
    public async Task<SealedAuthority> GetSealed()
    {
        var present = State.Authority;
        // RSA keys take seconds to make: not in the grain's turn, where Orleans would warn of it.
        var next = await Task.Run(() => present is null ? Create() : Renew(present));
        if (ReferenceEquals(next, present)) return next;
        await Write(next);
        if (present is null) LogCreated(next.Organization, Options.KeyType);
        else LogRenewed(next.Version);
        return next;
    }

    public Task<SealedAuthority?> Find() => Task.FromResult(State.Authority);

    public async Task<AuthorityOutcome> PrepareNext()
    {
        var present = await GetSealed();
        if (present.NextCa is not null) return AuthorityOutcome.AlreadyDone;
        var next = await Task.Run(() => Prepare(present));
        await Write(next);
        LogPrepared(Fingerprint(next.NextCa!.Certificate));
        return AuthorityOutcome.Done;
    }

    public async Task<AuthorityOutcome> ActivateNext(byte[] sha256)
    {
        var present = await GetSealed();
        if (Is(present.Ca.Certificate, sha256)) return AuthorityOutcome.AlreadyDone;
        if (present is not { NextCa: { } ca, PreparedAt: { } prepared } || !Is(ca.Certificate, sha256)) return AuthorityOutcome.Unknown;
        if (Now < prepared + SealedAuthority.LearntAfter) return AuthorityOutcome.TooEarly;
        var next = await Task.Run(() => Activate(present, ca));
        await Write(next);
        LogActivated(Fingerprint(ca.Certificate), Fingerprint(present.Ca.Certificate));
        return AuthorityOutcome.Done;
    }

    public async Task<AuthorityOutcome> Retire(byte[] sha256)
    {
        var present = await GetSealed();
        var former = present.FormerCas ?? [];
        var next = present.NextCa is { } prepared && Is(prepared.Certificate, sha256)
            ? present with { NextCa = null, NextRegistrationAuthority = null, PreparedAt = null }
            : former.Any(ca => Is(ca.Certificate, sha256)) ? present with { FormerCas = [.. former.Where(ca => !Is(ca.Certificate, sha256))] }
            : null;
        if (next is null) return AuthorityOutcome.Unknown;
        await Write(next with { Version = present.Version + 1 });
        LogRetired(Convert.ToHexStringLower(sha256));
        return AuthorityOutcome.Done;
    }

    private Task Write(SealedAuthority next) => Write(static (state, authority) => state.Authority = authority, next, State.Authority);

    private SealedAuthority Create()
    {
        var organization = Options.Organization;
        var root = CertificateAuthority.CreateRoot(Options.KeyType, organization, Now, RootLifetime);
        using var ca = new CertificateAuthority(root);
        return new SealedAuthority
        {
            Version = 1,
            Organization = organization,
            Ca = Seal(root, SealedAuthority.CaKeyPurpose),
            RegistrationAuthorities = [NewRegistrationAuthority(ca, organization)],
            ProfileSigner = NewProfileSigner(ca, organization, SealedAuthority.ProfileSignerKeyPurpose),
            SealedChallengeKey = Seal(SealedAuthority.ChallengeKeyPurpose, RandomNumberGenerator.GetBytes(OneTimeChallenge.KeyBytes)),
            ForIdentitiesOnly = true,
        };
    }

    /// <summary>Gives back the same object when nothing is due.</summary>
    private SealedAuthority Renew(SealedAuthority present)
    {
        var end = IdentityCertificate.Parse(present.Ca.Certificate).NotAfter;
        var renewRegistration = ServiceCertificate.IsDue(present.RegistrationAuthorities[0], end, Now);
        var renewSigner = ServiceCertificate.IsDue(present.ProfileSigner, end, Now);
        if (!renewRegistration && !renewSigner) return present;
        using var ca = Open(present.Ca, SealedAuthority.CaKeyPurpose);
        return present with
        {
            Version = present.Version + 1,
            RegistrationAuthorities = renewRegistration
                ? [NewRegistrationAuthority(ca, present.Organization), present.RegistrationAuthorities[0]]
                : present.RegistrationAuthorities,
            ProfileSigner = renewSigner ? NewProfileSigner(ca, present.Organization, SealedAuthority.ProfileSignerKeyPurpose) : present.ProfileSigner,
        };
    }

    private SealedAuthority Prepare(SealedAuthority present)
    {
        var root = CertificateAuthority.CreateRoot(Options.KeyType, present.Organization, Now, RootLifetime, present.Successors + 2);
        using var ca = new CertificateAuthority(root);
        return present with
        {
            Version = present.Version + 1,
            NextCa = Seal(root, SealedAuthority.CaKeyPurpose),
            NextRegistrationAuthority = NewRegistrationAuthority(ca, present.Organization),
            PreparedAt = Now,
            FirstCa = present.FirstCa ?? SHA256.HashData(present.Ca.Certificate),
            Successors = present.Successors + 1,
        };
    }

    private SealedAuthority Activate(SealedAuthority present, SealedCertificate next)
    {
        using var ca = Open(next, SealedAuthority.CaKeyPurpose);
        var registration = present.NextRegistrationAuthority!;
        // One that waited for long.
        if (ServiceCertificate.IsDue(registration, ca.Certificate.NotAfter, Now)) registration = NewRegistrationAuthority(ca, present.Organization);
        return present with
        {
            Version = present.Version + 1,
            Ca = next,
            NextCa = null,
            NextRegistrationAuthority = null,
            PreparedAt = null,
            FormerCas = [new FormerAuthority(present.Ca.Certificate, Now), .. present.FormerCas ?? []],
            // Requests for the one before may still be on their way.
            RegistrationAuthorities = [registration, present.RegistrationAuthorities[0]],
            ProfileSigner = NewProfileSigner(ca, present.Organization, SealedAuthority.ProfileSignerKeyPurpose),
        };
    }

    private SealedCertificate NewRegistrationAuthority(CertificateAuthority ca, string organization) =>
        Seal(ca.IssueRegistrationAuthority(organization, Now, ServiceLifetime), SealedAuthority.RegistrationAuthorityKeyPurpose);

    private static bool Is(byte[] certificate, byte[] sha256) => SHA256.HashData(certificate).AsSpan().SequenceEqual(sha256);

    private static string Fingerprint(byte[] certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate));

    [LoggerMessage(2300, LogLevel.Information, "The certificate authority of {Organization} was made, with a key of type {KeyType}. Its keys are sealed with the master key: back that up.")]
    private partial void LogCreated(string organization, CaKeyType keyType);

    [LoggerMessage(2301, LogLevel.Information, "Certificates of the certificate authority's services were renewed (version {Version}).")]
    private partial void LogRenewed(long version);

    [LoggerMessage(2305, LogLevel.Warning, "A new CA of identities was prepared (SHA-256 {Sha256}). It is trusted, and issues nothing before it is activated. Back up the database.")]
    private partial void LogPrepared(string sha256);

    [LoggerMessage(2306, LogLevel.Warning, "The CA of identities is now the one with the SHA-256 {Sha256}. iPads are renewed from {Before}, which is trusted until it is retired")]
    private partial void LogActivated(string sha256, string before);

    [LoggerMessage(2307, LogLevel.Warning, "The CA with the SHA-256 {Sha256} is trusted no more")]
    private partial void LogRetired(string sha256);
}
