using FleetMdm.Grains.Hosting;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Identity;

/// <inheritdoc cref="ITlsRootGrain"/>
[GrainType("tls-root")]
public sealed partial class TlsRootGrain(
    [PersistentState("tls-root", GrainServices.ControlStorage)] IPersistentState<TlsRootState> state,
    SecretSealer sealer,
    IOptions<CaOptions> options,
    TimeProvider time,
    ILogger<TlsRootGrain> logger) : AuthorityGrain<TlsRootState>(state, sealer, options, time), ITlsRootGrain
{
    /// <summary>A container without <c>Mdm:PublicUrl</c> has a new name each time it is made. iPads are enrolled with a few of all hosts at most.</summary>
    private const int MostRoots = 16;

    public async Task<SealedTlsRoot> Get(string organization, string host)
    {
        var known = State.Roots;
        var present = known.FirstOrDefault(root => root.Host == host);
        var next = await Task.Run(() => present is null ? Create(organization, host) : Renew(present, organization));
        if (ReferenceEquals(next, present)) return present;

        SealedTlsRoot[] roots = present is null
            ? [next, .. known.Take(MostRoots - 1)]
            : [.. known.Select(root => ReferenceEquals(root, present) ? next : root)];
        await Write(static (state, all) => state.Roots = all, roots, known);
        if (present is not null) LogRenewed(host);
        else if (known.Length == 0) LogCreated(host);
        else LogAnotherHost(host, known[0].Host);
        return next;
    }

    private SealedTlsRoot Create(string organization, string host)
    {
        var root = CertificateAuthority.CreateTlsRoot(organization, host, Now, RootLifetime);
        using var ca = new CertificateAuthority(root);
        return new SealedTlsRoot { Host = host, Root = Seal(root, SealedTlsRoot.KeyPurpose), ProfileSigner = NewProfileSigner(ca, organization, SealedTlsRoot.ProfileSignerKeyPurpose) };
    }

    /// <summary>Gives back the same object when nothing is due.</summary>
    private SealedTlsRoot Renew(SealedTlsRoot present, string organization)
    {
        if (!ServiceCertificate.IsDue(present.ProfileSigner, IdentityCertificate.Parse(present.Root.Certificate).NotAfter, Now)) return present;
        using var ca = Open(present.Root, SealedTlsRoot.KeyPurpose);
        return present with { ProfileSigner = NewProfileSigner(ca, organization, SealedTlsRoot.ProfileSignerKeyPurpose) };
    }

    [LoggerMessage(2302, LogLevel.Information, "A root for TLS with {Host}, and with no other server, was made.")]
    private partial void LogCreated(string host);

    [LoggerMessage(2303, LogLevel.Information, "The certificate that signs profiles was renewed, under the root for TLS with {Host}.")]
    private partial void LogRenewed(string host);

    [LoggerMessage(2304, LogLevel.Warning, "Mdm:PublicUrl names another host: a root for TLS with {Host} was made, since that of {Before} permits no other. iPads that enrolled under the earlier address do not know this one. If there are any, set Mdm:PublicUrl back. Fetch /ca.pem again where you use it.")]
    private partial void LogAnotherHost(string host, string before);
}
