using System.Net.Security;
using System.Text.Json;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>
/// What a person does once for a server whose certificate no public CA issued: visits it in spite of the warning, installs its
/// trust profile, and turns the root on in Settings. From then on everything is checked against it.
/// <see href="https://developer.apple.com/documentation/devicemanagement/providing-information-about-your-device-management-service"/>
/// </summary>
public static class TrustProfile
{
    /// <summary>Asks <c>/MDMServiceConfig</c> for the trust profile and fetches it. Only these two requests go unchecked.</summary>
    /// <exception cref="EnrolmentException">The server has none, or it holds no certificate.</exception>
    public static async Task<TrustAnchors> FetchAsync(Uri server, CancellationToken cancellation = default)
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
        });
        using var configuration = JsonDocument.Parse(await http.GetByteArrayAsync(new Uri(server, "/MDMServiceConfig"), cancellation));
        if (!configuration.RootElement.TryGetProperty("trust_profile_url", out var url) || url.GetString() is not { } text)
            throw new EnrolmentException("MDMServiceConfig names no trust_profile_url.");
        return TrustAnchors.FromProfile(await http.GetByteArrayAsync(new Uri(server, text), cancellation));
    }
}
