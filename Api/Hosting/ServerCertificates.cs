using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Observability;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Hosting;

/// <summary>
/// What TLS presents: the certificate of <c>Http:CertificateFile</c>, looked at once a minute, or the built-in CA's. An immutable
/// snapshot, swapped whole; one snapshot serves many connections, so that TLS sessions are resumed.
/// </summary>
public sealed partial class ServerCertificates(
    IOptions<HttpOptions> options,
    ServerCertificateProvider builtIn,
    EnrolmentAuthority authority,
    ServerMetrics metrics,
    TimeProvider clock,
    ILogger<ServerCertificates> logger) : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);

    private volatile SslStreamCertificateContext? _context;
    private DateTime _fileTime;

    /// <summary>The options for a new connection. The first connections after a start may have to wait for the CA.</summary>
    /// <exception cref="AuthorityUnavailableException">No certificate: the CA cannot be fetched now. The handshake fails.</exception>
    public async ValueTask<SslServerAuthenticationOptions> Options(bool askForClientCertificate)
    {
        var context = _context;
        if (options.Value.CertificateFile is null)
        {
            if (builtIn.Context is null) await authority.Get();
            if (builtIn.Context is { } current && !ReferenceEquals(current, context)) _context = context = Take(current);
        }

        return Options(context!, askForClientCertificate);
    }

    /// <summary>Reads the configured file; called before listening so that a wrong one stops the start.</summary>
    /// <exception cref="FleetStartException">The file cannot be used.</exception>
    public void Load()
    {
        if (options.Value.CertificateFile is not { } file) return;
        try
        {
            var (certificate, intermediates) = Read(file);
            _fileTime = File.GetLastWriteTimeUtc(file);
            _context = Take(SslStreamCertificateContext.Create(certificate, intermediates, offline: true));
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new FleetStartException($"Http:CertificateFile \"{file}\" cannot be used: {e.Message}", e);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Value.CertificateFile is not { } file) return;
        using var timer = new PeriodicTimer(LookEvery, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (!File.Exists(file) || File.GetLastWriteTimeUtc(file) == _fileTime) continue;
            try
            {
                Load();
                LogReplaced(file, _context!.TargetCertificate.NotAfter);
            }
            catch (FleetStartException e)
            {
                LogNotReplaced(e.Message);
            }
        }
    }

    private (X509Certificate2 Certificate, X509Certificate2Collection Intermediates) Read(string file)
    {
        var password = options.Value.CertificatePassword;
        var bytes = File.ReadAllBytes(file);
        if (!bytes.AsSpan().StartsWith("-----BEGIN"u8))
            return (X509CertificateLoader.LoadPkcs12(bytes, password), X509CertificateLoader.LoadPkcs12Collection(bytes, password));

        var key = options.Value.CertificateKeyFile ?? file;
        var certificate = password is null
            ? X509Certificate2.CreateFromPemFile(file, key)
            : X509Certificate2.CreateFromEncryptedPemFile(file, password, key);
        var all = new X509Certificate2Collection();
        all.ImportFromPemFile(file);
        return (certificate, all);
    }

    private SslStreamCertificateContext Take(SslStreamCertificateContext context)
    {
        metrics.Presents(context.TargetCertificate.NotAfter);
        return context;
    }

    private static SslServerAuthenticationOptions Options(SslStreamCertificateContext context, bool clients) => new()
    {
        ServerCertificateContext = context,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,

        // Asked for, never demanded, and not judged here: an unknown certificate must become a 400 with a reason, not a broken
        // handshake that the iPad cannot tell from a dead network.
        ClientCertificateRequired = clients,
        RemoteCertificateValidationCallback = clients ? static (_, _, _, _) => true : null,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = clients ? NoChain() : null,
    };

    /// <summary>
    /// The framework builds a chain for each client certificate before it asks the callback. So that this looks at nothing: no store of
    /// trusted roots (most of the CPU of a connection), and no download of what a stranger's certificate names.
    /// </summary>
    /// <remarks>A new one for each connection: the framework adds to it what the client sent.</remarks>
    private static X509ChainPolicy NoChain() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        DisableCertificateDownloads = true,
        RevocationMode = X509RevocationMode.NoCheck,
        VerificationFlags = X509VerificationFlags.AllFlags,
    };

    [LoggerMessage(3201, LogLevel.Information, "New connections use the changed certificate of {File}, good until {NotAfter}")]
    private partial void LogReplaced(string file, DateTime notAfter);

    [LoggerMessage(3202, LogLevel.Error, "The changed server certificate is not used: {Problem}")]
    private partial void LogNotReplaced(string problem);
}
