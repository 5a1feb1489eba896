using System.Net.Http.Headers;
using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>Messages of one enrolment, each with the proof of who sends it.</summary>
internal sealed class MdmConnection
{
    private readonly MdmHttp _http;
    private readonly HttpMessageInvoker? _own;
    private readonly bool _sign;
    private readonly SimulatedProxy? _proxy;
    private readonly string? _proxyValue;

    public MdmConnection(MdmHttp http, FleetOptions options, DeviceIdentity identity, bool signMessage)
    {
        _http = http;
        Identity = identity;
        _sign = options.Identity == IdentityPresentation.AsProfileSays && signMessage;
        if (options.Identity == IdentityPresentation.TrustedProxy)
        {
            _proxy = options.Proxy ?? throw new InvalidOperationException("TrustedProxy needs FleetOptions.Proxy.");
            _proxyValue = _proxy.Format == ProxyHeaderFormat.Rfc9440
                ? $":{Convert.ToBase64String(identity.Certificate.RawData)}:"
                : Uri.EscapeDataString(identity.Certificate.ExportCertificatePem() + "\n");
        }
        else if (!_sign)
        {
            _own = http.NewOwnConnection(identity);
        }
    }

    public DeviceIdentity Identity { get; }

    /// <summary>A PUT that is tried once.</summary>
    public Task<MdmAnswer> PutAsync(Uri url, string contentType, byte[] body, CancellationToken cancellation) =>
        _http.SendAsync(HttpMethod.Put, url, contentType, body, Prove(body), _own, cancellation);

    /// <summary>A PUT that is tried again while the server is full or away, a few times.</summary>
    public Task<MdmAnswer> PutPatientlyAsync(Uri url, string contentType, byte[] body, CancellationToken cancellation) =>
        _http.SendPatientlyAsync(HttpMethod.Put, url, contentType, body, Prove(body), cancellation, _own);

    /// <summary>Closes connections of its own; requests under way fail.</summary>
    public void Close() => _own?.Dispose();

    private Action<HttpRequestHeaders> Prove(byte[] body)
    {
        var signature = _sign ? Identity.Sign(body) : null;
        return headers =>
        {
            headers.TryAddWithoutValidation("User-Agent", "MDM/1.0");
            if (signature is not null)
                headers.TryAddWithoutValidation("Mdm-Signature", signature);
            if (_proxy is not null)
                headers.TryAddWithoutValidation(_proxy.HeaderName, _proxyValue);
        };
    }
}
