using FleetMdm.Protocol.Push;
using Microsoft.Extensions.Options;

namespace FleetMdm.Grains.Push;

/// <summary>The MDM vendor certificate of this server, if it has one (<see cref="PushOptions.VendorCertificateFile"/>). Read once.</summary>
internal sealed class VendorCertificate(IOptions<PushOptions> options) : IDisposable
{
    private readonly Lazy<PushRequestSigner?> _signer = new(() => options.Value.LoadVendor());

    /// <summary>The request in the form of Apple's portal; null without a vendor certificate.</summary>
    public string? Sign(byte[] request)
    {
        lock (_signer) return _signer.Value?.Sign(request);
    }

    public void Dispose()
    {
        if (_signer.IsValueCreated) _signer.Value?.Dispose();
    }
}
