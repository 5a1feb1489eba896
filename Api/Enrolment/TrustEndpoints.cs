using System.Security.Cryptography;
using System.Text.Json;
using FleetMdm.Api.Hosting;
using FleetMdm.Protocol.Profiles;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Enrolment;

/// <summary>How tools find the server and learn to trust it: <c>/MDMServiceConfig</c> and what it points to.</summary>
public sealed class TrustEndpoints(EnrolmentAuthority authority, IOptions<MdmOptions> mdm, IOptions<HttpOptions> http)
{
    public const string TrustPath = "/trust";
    public const string AnchorsPath = "/trust/anchors";

    private const string Json = "application/json; charset=UTF-8";

    /// <summary>With a certificate of one's own, here or at a proxy, there is nothing to trust beforehand.</summary>
    private bool NeedsTrust => http.Value.PresentsBuiltInCa;

    /// <summary>developer.apple.com/documentation/devicemanagement, "Providing information about your device management service".</summary>
    public IResult ServiceConfig()
    {
        var config = new Dictionary<string, string>
        {
            ["dep_enrollment_url"] = Absolute("/enroll"),
            ["dep_anchor_certs_url"] = Absolute(AnchorsPath),
        };
        if (NeedsTrust)
            config["trust_profile_url"] = Absolute(TrustPath);
        return Results.Text(JsonSerializer.Serialize(config), Json);
    }

    /// <summary>The certificates that <c>dep_enrollment_url</c> needs, as a JSON array of Base64.</summary>
    public async Task<IResult> Anchors()
    {
        string[] anchors = NeedsTrust ? [.. (await authority.Get()).Roots.Select(root => Convert.ToBase64String(root.Der.Span))] : [];
        return Results.Text(JsonSerializer.Serialize(anchors), Json);
    }

    public async Task<IResult> TrustProfile(HttpContext context)
    {
        var snapshot = await authority.Get();
        return ProfileResult.Of(context, snapshot, EnrolmentProfile.BuildTrust(snapshot.Organization, [.. snapshot.Roots.Select(root => root.Der)]).ToBytes(), "trust");
    }

    public async Task<IResult> CaPem()
    {
        var roots = (await authority.Get()).Roots;
        return Results.Text(string.Concat(roots.Select(root => PemEncoding.WriteString("CERTIFICATE", root.Der.Span) + "\n")), "application/x-pem-file");
    }

    public static IResult NoInvitation(HttpContext context) => EnrolmentPage.Refusal(context, StatusCodes.Status404NotFound,
        "An invitation is needed", "iPads enrol here by an invitation: open the link or scan the code that you were given.");

    private string Absolute(string path) => new Uri(mdm.Value.PublicUri, path).AbsoluteUri;
}
