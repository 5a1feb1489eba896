using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.Apple;

/// <summary>What a simulated iPad does in Setup Assistant when Apple knows that it belongs to an organisation.</summary>
public static class OutOfTheBox
{
    private const int MostUpdates = 2;

    /// <summary>From this version on the server may ask for an update first.</summary>
    private const int CanUpdateFrom = 17;

    /// <summary>From this version on an iPad moves between services without an erase.</summary>
    private const int MigratesFrom = 26;

    /// <summary>From this version on it says which updates there are for it.</summary>
    private static readonly Version NamesModelFrom = new(17, 4);

    /// <summary>
    /// 1. Apple gives it the profile that was assigned to it. 2. It says what it is, signed with its device certificate. 3. Told to update first, it does, and asks again. 4. It
    /// enrols, and waits in Setup Assistant if the profile says so. Where the profile has a page for a sign-in, 2 goes with the request for that page, and somebody signs in on it.
    /// </summary>
    /// <param name="person">Who sits in front of it; null: nobody who could sign in.</param>
    /// <returns>The panes that a person is not asked.</returns>
    /// <exception cref="EnrolmentException">It cannot; the message says why.</exception>
    public static async Task<IReadOnlyList<string>> SetUpAsync(this VirtualIPad ipad, SchoolManagerPortal portal, CancellationToken cancellation = default, SignInName? person = null)
    {
        ipad.SetsItselfUp = () => ipad.SetUpAsync(portal);
        // 1
        var profile = portal.Activate(ipad.Description.SerialNumber) ?? throw new EnrolmentException("Apple has no enrolment profile for this iPad: it sets itself up as anybody's.");
        if (!Uri.TryCreate((string?)profile["url"], UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttps)
            throw new EnrolmentException("The url of the enrolment profile must be https.");
        foreach (var anchor in profile["anchor_certs"] as JsonArray ?? [])
            X509CertificateLoader.LoadCertificate(Convert.FromBase64String((string)anchor!)).Dispose();

        var page = (string?)profile["configuration_web_url"] is { } web ? new Uri(web) : null;
        if (page is not null && page.Scheme != Uri.UriSchemeHttps) throw new EnrolmentException("The configuration_web_url of the enrolment profile must be https.");
        for (var updates = 0; ; updates++)
        {
            // 2
            var answer = page is not null
                ? await SignInAsync(ipad, page, person, cancellation)
                : await ipad.Fleet.Http.SendPatientlyAsync(HttpMethod.Post, url, "application/pkcs7-signature", MachineInfo(ipad), null, cancellation);
            if (answer.Status == 403 && answer.MediaType == "application/json" && updates < MostUpdates)
            {
                // 3
                Update(ipad, JsonNode.Parse(answer.Body)!);
                continue;
            }

            if (!answer.Success) throw new EnrolmentException($"The server answered {answer}: {Encoding.UTF8.GetString(answer.Body)}");
            if (answer.MediaType != "application/x-apple-aspen-config") throw new EnrolmentException($"The enrolment profile came as '{answer.MediaType}'.");
            // 4
            ipad.WillAwait = profile["await_device_configured"] is JsonValue awaits && (bool)awaits;
            if (profile["is_multi_user"] is JsonValue shared) ipad.BeShared((bool)shared);
            await ipad.EnrolWithProfileAsync(answer.Body, cancellation);
            return [.. (profile["skip_setup_items"] as JsonArray ?? []).Select(item => (string)item!)];
        }
    }

    /// <summary>
    /// An iPad in use moves to another management service without an erase, since its user agrees or the deadline is there: 1. it remembers its managed apps. 2. It says goodbye to the service before, if
    /// it can. 3. It enrols with the new one as out of the box, and keeps its apps meanwhile. 4. When it goes on, the apps that the new service has not asked for are gone
    /// (<see href="https://developer.apple.com/documentation/devicemanagement/migrating-managed-devices"/>).
    /// </summary>
    /// <param name="saysGoodbye">False: CheckOut is lost on the way.</param>
    /// <exception cref="EnrolmentException">It cannot; the message says why. Once it has begun, it belongs to nobody then.</exception>
    public static async Task MigrateAsync(this VirtualIPad ipad, SchoolManagerPortal portal, CancellationToken cancellation = default, bool saysGoodbye = true)
    {
        if (ipad.MajorVersion < MigratesFrom) throw new EnrolmentException($"An iPad moves from iPadOS {MigratesFrom} on.");
        if (!ipad.IsEnrolled) throw new EnrolmentException("Only an iPad that is managed moves.");
        if (ipad.Description.Shared) throw new EnrolmentException("A Shared iPad does not move.");
        if (portal.MayMigrate(ipad.Description.SerialNumber) is { } why) throw new EnrolmentException(why);
        portal.MigrationBegins(ipad.Description.SerialNumber);
        await ipad.LeaveToMigrateAsync(saysGoodbye, cancellation);
        await ipad.SetUpAsync(portal, cancellation);
        if (!ipad.AwaitsConfiguration) ipad.MigrationEnds();
    }

    private static async Task<MdmAnswer> SignInAsync(VirtualIPad ipad, Uri page, SignInName? person, CancellationToken cancellation)
    {
        using var view = new WebView(ipad.Fleet.Options.Trust);
        var shown = await view.OpenAsync(page, Convert.ToBase64String(MachineInfo(ipad)), cancellation);
        if (shown.MediaType == "text/html" && shown.Text.Contains("name=\"password\"", StringComparison.Ordinal))
        {
            if (person is null) throw new EnrolmentException("It asks for a sign-in, and nobody is there.");
            shown = await view.SubmitAsync(shown, new Dictionary<string, string> { ["userName"] = person.UserName, ["password"] = person.Password }, cancellation);
        }

        if (shown is { Status: 200, MediaType: "text/html" } && shown.Text.Contains("name=\"whose\"", StringComparison.Ordinal))
            shown = await view.SubmitAsync(shown, new Dictionary<string, string> { ["whose"] = "me" }, cancellation);
        if (shown.MediaType == "application/x-apple-aspen-config" && Domain(shown.Address) != Domain(page))
            throw new EnrolmentException($"The enrolment profile came from {shown.Address.Host}, and the page is of {page.Host}.");
        return new MdmAnswer(shown.Status, shown.MediaType, shown.Body, null, null);
    }

    /// <summary>What an iPad compares: the last two parts of the name; an address as it is.</summary>
    private static string Domain(Uri address) => address.HostNameType == UriHostNameType.Dns ? string.Join('.', address.IdnHost.ToLowerInvariant().Split('.').TakeLast(2)) : address.Host;

    /// <summary>As it is posted: a CMS signature around a property list.</summary>
    public static byte[] MachineInfo(VirtualIPad ipad)
    {
        var info = new PlistDict
        {
            ["UDID"] = ipad.Udid,
            ["SERIAL"] = ipad.Description.SerialNumber,
            ["PRODUCT"] = ipad.Description.ProductName,
            ["VERSION"] = ipad.BuildVersion,
            ["LANGUAGE"] = "en",
        };
        if (ipad.MajorVersion >= CanUpdateFrom)
        {
            info["OS_VERSION"] = ipad.OsVersion;
            info["MDM_CAN_REQUEST_SOFTWARE_UPDATE"] = true;
        }

        if (Version.TryParse(ipad.OsVersion, out var version) && version >= NamesModelFrom) info["SOFTWARE_UPDATE_DEVICE_ID"] = "J271AP";

        return MdmSignature.SignAttached(PlistWriter.Write(info), ipad.DeviceCertificate.Certificate);
    }

    private static void Update(VirtualIPad ipad, JsonNode refusal)
    {
        if ((string?)refusal["code"] != "com.apple.softwareupdate.required" || ipad.MajorVersion < CanUpdateFrom)
            throw new EnrolmentException($"The server refuses this iPad: {refusal.ToJsonString()}");
        var version = (string?)refusal["details"]?["OSVersion"] ?? throw new EnrolmentException("It is to update, and nobody says to what.");
        lock (ipad.StateLock)
            ipad.State.Updated = new Release(version, string.Create(CultureInfo.InvariantCulture, $"{version.Split('.')[0]}Z1"));
    }
}
