using FleetMdm.Grains.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Identity;

/// <inheritdoc cref="ITlsRootGrain"/>
/// <remarks>As with the CA of identities, nothing is handed out before it was written; of two activations that race, one writes.</remarks>
[GrainType("tls-root")]
public sealed partial class TlsRootGrain(
    [PersistentState("tls-root", GrainServices.ControlStorage)] IPersistentState<TlsRootState> state,
    SecretSealer sealer,
    IOptions<CaOptions> options,
    TimeProvider time,
    ILogger<TlsRootGrain> logger) : Grain, ITlsRootGrain
{
    /// <summary>A container without <c>Mdm:PublicUrl</c> has a new name each time it is made. iPads are enrolled with a few of all hosts at most.</summary>
    private const int MostRoots = 16;

    public async Task<SealedTlsRoot> Get(string organization, string host)
    {
        var known = state.State.Roots;
        var present = known.FirstOrDefault(root => root.Host == host);
        var next = await Task.Run(() => present is null ? Create(organization, host) : Renew(present, organization));
        if (ReferenceEquals(next, present)) return present;

        SealedTlsRoot[] roots = present is null
            ? [next, .. known.Take(MostRoots - 1)]
            : [.. known.Select(root => ReferenceEquals(root, present) ? next : root)];
        await Write(roots, known);
        if (present is not null) LogRenewed(host);
        else if (known.Length == 0) LogCreated(host);
        else LogAnotherHost(host, known[0].Host);
        return next;
    }

    private async Task Write(SealedTlsRoot[] roots, SealedTlsRoot[] before)
    {
        state.State.Roots = roots;
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            // Whether it was written is not known: only a fresh read may say what stands.
            state.State.Roots = before;
            DeactivateOnIdle();
            throw;
        }
    }

    private SealedTlsRoot Create(string organization, string host)
    {
        var now = time.GetUtcNow();
        var root = CertificateAuthority.CreateTlsRoot(organization, host, now, now.AddYears(options.Value.LifetimeYears) - now);
        using var ca = new CertificateAuthority(root);
        return new SealedTlsRoot { Host = host, Root = Seal(root, SealedTlsRoot.KeyPurpose), ProfileSigner = NewProfileSigner(ca, organization) };
    }

    /// <summary>Gives back the same object when nothing is due.</summary>
    private SealedTlsRoot Renew(SealedTlsRoot present, string organization)
    {
        if (!ServiceCertificate.IsDue(present.ProfileSigner, IdentityCertificate.Parse(present.Root.Certificate).NotAfter, time.GetUtcNow())) return present;
        using var ca = new CertificateAuthority(
            new KeyedCertificate(present.Root.Certificate, sealer.Open(SealedTlsRoot.KeyPurpose, present.Root.SealedKey)));
        return present with { ProfileSigner = NewProfileSigner(ca, organization) };
    }

    private SealedCertificate NewProfileSigner(CertificateAuthority ca, string organization) => Seal(
        ca.IssueProfileSigner(organization, time.GetUtcNow(), TimeSpan.FromDays(options.Value.ServiceCertificateDays)), SealedTlsRoot.ProfileSignerKeyPurpose);

    private SealedCertificate Seal(KeyedCertificate keyed, string purpose) => new(keyed.Certificate, sealer.Seal(purpose, keyed.PrivateKey));

    [LoggerMessage(2302, LogLevel.Information, "A root for TLS with {Host}, and with no other server, was made.")]
    private partial void LogCreated(string host);

    [LoggerMessage(2303, LogLevel.Information, "The certificate that signs profiles was renewed, under the root for TLS with {Host}.")]
    private partial void LogRenewed(string host);

    [LoggerMessage(2304, LogLevel.Warning, "Mdm:PublicUrl names another host: a root for TLS with {Host} was made, since that of {Before} permits no other. iPads that enrolled under the earlier address do not know this one. If there are any, set Mdm:PublicUrl back. Fetch /ca.pem again where you use it.")]
    private partial void LogAnotherHost(string host, string before);
}
