using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>
/// A <c>Profile Service</c> profile as an iPad reads it: which facts it is to tell, and where to.
/// <see href="https://developer.apple.com/library/archive/documentation/NetworkingInternet/Conceptual/iPhoneOTAConfiguration/"/>
/// </summary>
public sealed record ProfileServiceRequest(Uri Url, IReadOnlyList<string> Attributes, string? Challenge)
{
    public const string PayloadType = "Profile Service";

    /// <summary>Null: the profile is of another kind.</summary>
    /// <exception cref="EnrolmentException">It is one, and an iPad would not take it.</exception>
    public static ProfileServiceRequest? Read(PlistDict profile)
    {
        if (profile.Text("PayloadType") != PayloadType)
            return null;
        foreach (var key in (ReadOnlySpan<string>)["PayloadIdentifier", "PayloadUUID"])
        {
            if (profile.Text(key) is not { Length: > 0 })
                throw new EnrolmentException($"The Profile Service profile has no {key}.");
        }
        var content = profile.Dict("PayloadContent") ?? throw new EnrolmentException("The Profile Service profile has no PayloadContent dictionary.");
        if (!Uri.TryCreate(content.Text("URL"), UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttps)
            throw new EnrolmentException("The URL of the Profile Service profile must be https.");
        return new ProfileServiceRequest(url, [.. (content.Array("DeviceAttributes") ?? []).OfType<string>()], content.Text("Challenge"));
    }

    /// <summary>What the iPad tells: of what it was asked, that which it has.</summary>
    public PlistDict Answer(IPadDescription ipad, string name)
    {
        var answer = new PlistDict();
        foreach (var attribute in Attributes)
        {
            var value = attribute switch
            {
                "UDID" => ipad.Udid,
                "SERIAL" => ipad.SerialNumber,
                "PRODUCT" => ipad.ProductName,
                "VERSION" => ipad.BuildVersion,
                "DEVICE_NAME" => name,
                _ => null,
            };
            if (value is not null)
                answer[attribute] = value;
        }
        if (Challenge is not null)
            answer["CHALLENGE"] = Challenge;
        return answer;
    }
}
