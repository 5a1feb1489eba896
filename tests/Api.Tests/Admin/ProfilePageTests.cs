using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FleetMdm.Api.Console;
using FleetMdm.Protocol.Catalogue;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>The library of profiles in the console: what a person fills in becomes the profile that was meant.</summary>
public sealed partial class ProfilePageTests(AdminServer server)
{
    private const string Identity = "11111111-52E5-4B8E-9C61-0F2A4D5E6B7C";
    private const string Anchor = "22222222-52E5-4B8E-9C61-0F2A4D5E6B7C";

    private static readonly byte[] Certificate = Make(cert => cert.RawData);
    private static readonly byte[] Pkcs12 = Make(cert => cert.ExportPkcs12(Pkcs12ExportPbeParameters.Pkcs12TripleDesSha1, "secret"));
    private static readonly byte[] Png = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A];

    private static int _next;

    /// <summary>For each kind of payload that people ask for: what is entered, and what becomes of it.</summary>
    public static TheoryData<string, string[], string> Forms => new()
    {
        { "com.apple.mobiledevice.passwordpolicy", ["forcePIN=true", "minLength=6"], """{"forcePIN": true, "minLength": 6}""" },
        { "com.apple.applicationaccess", ["allowCamera=false", "ratingRegion=gb", "allowListedAppBundleIDs=com.apple.Preferences\r\ncom.apple.webapp"],
            """{"allowCamera": false, "ratingRegion": "gb", "allowListedAppBundleIDs": ["com.apple.Preferences", "com.apple.webapp"]}""" },
        { "com.apple.wifi.managed", ["SSID_STR=School", "EncryptionType=WPA2", "Password=eight characters", "AutoJoin=true"],
            """{"SSID_STR": "School", "EncryptionType": "WPA2", "Password": "(hidden)", "AutoJoin": true}""" },
        { "com.apple.vpn.managed",
            ["VPNType=L2TP", "UserDefinedName=Old", "PPP.CommRemoteAddress=vpn.example", "PPP.AuthName={{serial}}", "IPSec.AuthenticationMethod=SharedSecret", "IPSec.SharedSecret.text=secret"],
            """{"VPNType": "L2TP", "UserDefinedName": "Old", "PPP": {"CommRemoteAddress": "vpn.example", "AuthName": "{{serial}}"}, "IPSec": {"AuthenticationMethod": "SharedSecret", "SharedSecret": "(hidden)"}}""" },
        { "com.apple.vpn.managed.applayer",
            ["VPNUUID=33333333-52E5-4B8E-9C61-0F2A4D5E6B7C", "SafariDomains=intranet.example", "VPNType=IKEv2", "UserDefinedName=Apps", "IKEv2.RemoteAddress=vpn.example",
                "IKEv2.RemoteIdentifier=vpn.example", "IKEv2.LocalIdentifier=ipad", "IKEv2.AuthenticationMethod=SharedSecret", "IKEv2.SharedSecret=s", "IKEv2.OnDemandEnabled=1",
                "IKEv2.OnDemandRules[0]=0", "IKEv2.OnDemandRules[0].Action=Connect", "IKEv2.OnDemandRules[0].SSIDMatch=Home\r\nCafé"],
            """
            {"VPNUUID": "33333333-52E5-4B8E-9C61-0F2A4D5E6B7C", "SafariDomains": ["intranet.example"], "VPNType": "IKEv2", "UserDefinedName": "Apps", "IKEv2": {"RemoteAddress": "vpn.example",
             "RemoteIdentifier": "vpn.example", "LocalIdentifier": "ipad", "AuthenticationMethod": "SharedSecret", "SharedSecret": "(hidden)", "OnDemandEnabled": 1,
             "OnDemandRules": [{"Action": "Connect", "SSIDMatch": ["Home", "Café"]}]}}
            """ },
        { "com.apple.vpn.managed",
            ["VPNType=AlwaysOn", "UserDefinedName=Always", "AlwaysOn.TunnelConfigurations[0]=0", "AlwaysOn.TunnelConfigurations[0].ProtocolType=IKEv2", "AlwaysOn.TunnelConfigurations[0].Interfaces=Cellular",
                "AlwaysOn.TunnelConfigurations[0].Interfaces=WiFi"],
            """{"VPNType": "AlwaysOn", "UserDefinedName": "Always", "AlwaysOn": {"TunnelConfigurations": [{"ProtocolType": "IKEv2", "Interfaces": ["Cellular", "WiFi"]}]}}""" },
        { "com.apple.mail.managed",
            ["EmailAccountType=EmailTypeIMAP", "IncomingMailServerAuthentication=EmailAuthPassword", "IncomingMailServerHostName=imap.example", "IncomingMailServerPortNumber=993",
                "IncomingMailServerUseSSL=true", "OutgoingMailServerAuthentication=EmailAuthPassword", "OutgoingMailServerHostName=smtp.example", "IncomingPassword=p"],
            """{"EmailAccountType": "EmailTypeIMAP", "IncomingMailServerHostName": "imap.example", "IncomingMailServerPortNumber": 993, "IncomingMailServerUseSSL": true, "IncomingPassword": "(hidden)"}""" },
        { "com.apple.eas.account", ["Host=mail.example", "EmailAddress={{name}}@school.example", "SSL=true", "MailNumberOfPastDaysToSync=14"],
            """{"Host": "mail.example", "EmailAddress": "{{name}}@school.example", "SSL": true, "MailNumberOfPastDaysToSync": 14}""" },
        { "com.apple.ldap.account", ["LDAPAccountHostName=ldap.example", "LDAPSearchSettings[0]=0", "LDAPSearchSettings[0].LDAPSearchSettingSearchBase=o=school"],
            """{"LDAPAccountHostName": "ldap.example", "LDAPSearchSettings": [{"LDAPSearchSettingSearchBase": "o=school"}]}""" },
        { "com.apple.caldav.account", ["CalDAVHostName=cal.example", "CalDAVPort=8443"], """{"CalDAVHostName": "cal.example", "CalDAVPort": 8443}""" },
        { "com.apple.carddav.account", ["CardDAVHostName=card.example"], """{"CardDAVHostName": "card.example"}""" },
        { "com.apple.subscribedcalendar.account", ["SubCalAccountHostName=https://cal.example/x.ics"], """{"SubCalAccountHostName": "https://cal.example/x.ics"}""" },
        { "com.apple.google-oauth", ["EmailAddress=a@school.example"], """{"EmailAddress": "a@school.example"}""" },
        { "com.apple.webClip.managed", ["URL=https://school.example/", "Label=School", "@Icon=png"], """{"URL": "https://school.example/", "Label": "School", "Icon": "iVBORw0KGgo="}""" },
        { "com.apple.security.scep",
            ["PayloadContent.URL=https://ca.example/scep", "PayloadContent.Subject=O=North School\r\nCN={{serial}}", "PayloadContent.Challenge=c", "PayloadContent.Keysize=2048", "PayloadContent.Key Usage=5",
                "PayloadContent.SubjectAltName.dNSName={{serial}}.school.example"],
            """{"PayloadContent": {"URL": "https://ca.example/scep", "Subject": [[["O", "North School"]], [["CN", "{{serial}}"]]], "Challenge": "(hidden)", "Keysize": 2048, "Key Usage": 5}}""" },
        { "com.apple.security.acme",
            ["DirectoryURL=https://ca.example/acme", "ClientIdentifier={{serial}}", "KeySize=256", "KeyType=ECSECPrimeRandom", "HardwareBound=true", "Subject=CN={{serial}}"],
            """{"DirectoryURL": "https://ca.example/acme", "KeySize": 256, "HardwareBound": true, "Subject": [[["CN", "{{serial}}"]]]}""" },
        { "com.apple.security.root", ["@PayloadContent=certificate"], """{}""" },
        { "com.apple.cellular", ["APNs[0]=0", "APNs[0].Name=internet", "APNs[0].AllowedProtocolMask=3"], """{"APNs": [{"Name": "internet", "AllowedProtocolMask": 3}]}""" },
        { "com.apple.app.lock", ["App.Identifier=com.apple.calculator", "App.Options.DisableAutoLock=true"], """{"App": {"Identifier": "com.apple.calculator", "Options": {"DisableAutoLock": true}}}""" },
        { "com.apple.proxy.http.global", ["ProxyType=Manual", "ProxyServer=proxy.example", "ProxyServerPort=8080"], """{"ProxyType": "Manual", "ProxyServer": "proxy.example", "ProxyServerPort": 8080}""" },
        { "com.apple.airplay", ["Passwords[0]=0", "Passwords[0].DeviceName=Room 1", "Passwords[0].Password=p", "AllowList[0]=0", "AllowList[0].DeviceName=Room 1", "AllowList[1]=1"],
            """{"Passwords": [{"DeviceName": "Room 1", "Password": "(hidden)"}], "AllowList": [{"DeviceName": "Room 1"}]}""" },
        { "com.apple.airprint", ["AirPrint[0]=0", "AirPrint[0].IPAddress=10.0.0.1", "AirPrint[0].ResourcePath=ipp/print", "AirPrint[0].Port=631"],
            """{"AirPrint": [{"IPAddress": "10.0.0.1", "ResourcePath": "ipp/print", "Port": 631}]}""" },
        { "com.apple.homescreenlayout", ["Dock=com.apple.mobilesafari", "Pages=com.apple.Pages\r\n[Writing]\r\n  com.apple.Notes\r\n\r\nhttps://school.example/"],
            """
            {"Dock": [{"Type": "App", "BundleID": "com.apple.mobilesafari"}], "Pages": [[{"Type": "App", "BundleID": "com.apple.Pages"},
             {"Type": "Folder", "DisplayName": "Writing", "Pages": [[{"Type": "App", "BundleID": "com.apple.Notes"}]]}], [{"Type": "WebClip", "URL": "https://school.example/"}]]}
            """ },
        { "com.apple.notificationsettings", ["NotificationSettings[0]=0", "NotificationSettings[0].BundleIdentifier=com.apple.mobilemail", "NotificationSettings[0].NotificationsEnabled=false"],
            """{"NotificationSettings": [{"BundleIdentifier": "com.apple.mobilemail", "NotificationsEnabled": false}]}""" },
        { "com.apple.webcontent-filter", ["FilterType=BuiltIn", "AutoFilterEnabled=true", "AllowListBookmarks[0]=0", "AllowListBookmarks[0].URL=https://school.example", "AllowListBookmarks[0].Title=School"],
            """{"FilterType": "BuiltIn", "AutoFilterEnabled": true, "AllowListBookmarks": [{"URL": "https://school.example", "Title": "School"}]}""" },
        { "com.apple.shareddeviceconfiguration", ["LockScreenFootnote=Found? {{asset tag}}"], """{"LockScreenFootnote": "Found? {{asset tag}}"}""" },
        { "com.apple.dnsSettings.managed", ["DNSSettings.DNSProtocol=HTTPS", "DNSSettings.ServerURL=https://dns.example/q"], """{"DNSSettings": {"DNSProtocol": "HTTPS", "ServerURL": "https://dns.example/q"}}""" },
        { "com.apple.domains", ["WebDomains=school.example\r\n*.school.example"], """{"WebDomains": ["school.example", "*.school.example"]}""" },
        { "com.apple.extensiblesso", ["ExtensionIdentifier=com.example.sso", "Type=Redirect", "URLs=https://login.example", "ExtensionData={\"a\": [1, true]}"],
            """{"ExtensionIdentifier": "com.example.sso", "Type": "Redirect", "URLs": ["https://login.example"], "ExtensionData": {"a": [1, true]}}""" },
        { "com.apple.tvremote", ["AllowedTVs[0]=0", "AllowedTVs[0].TVDeviceID=00:11:22:33:44:55"], """{"AllowedTVs": [{"TVDeviceID": "00:11:22:33:44:55"}]}""" },
    };

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task What_is_filled_in_becomes_the_payload_and_stands_in_the_form_again(string type, string[] fields, string expected)
    {
        var id = await Create($"{type} form", [("PayloadContent[0].PayloadType", type), .. fields.Select(field => Field(field, 0))]);
        var payload = (await Profile(id))["PayloadContent"]![0]!.AsObject();
        foreach (var (key, value) in JsonNode.Parse(expected)!.AsObject())
            Assert.True(Contains(payload[key], value), $"{key} is {payload[key]?.ToJsonString()} and not {value?.ToJsonString()}");

        // The form of a change holds it all: sent back as it is, it changes nothing.
        var page = await server.Admin.GetStringAsync($"/profiles/{id}/edit");
        using var again = await Post($"/profiles/{id}/edit", [.. Entered(page), ("do", "save")]);
        Assert.Equal($"/profiles/{id}?done=unchanged", again.Headers.Location?.ToString());
    }

    [Fact]
    public async Task Every_payload_of_the_catalogue_can_be_chosen_and_has_a_field_for_each_of_its_keys()
    {
        var list = await server.Admin.GetStringAsync("/profiles/new");
        foreach (var type in AppleCatalogue.Instance.Payloads.Values.Select(variants => variants[0]).Where(type => type.Name is not ("com.apple.mdm" or "com.apple.declarations" or "com.apple.osxserver.account")))
        {
            Assert.Contains($"value=\"{type.Name}\"", list, StringComparison.Ordinal);
            var page = WebUtility.HtmlDecode(await server.Admin.GetStringAsync($"/profiles/new?type={type.Name}"));
            foreach (var key in type.OwnKeys.Where(key => key.Name != "ANY"))
                Assert.Contains($"id=\"field-PayloadContent[0].{key.Name}\"", page.Replace($"<summary id=\"field-PayloadContent[0].{key.Name}\"", $"id=\"field-PayloadContent[0].{key.Name}\"", StringComparison.Ordinal), StringComparison.Ordinal);
        }

        Assert.Contains("Wi-Fi", await server.Admin.GetStringAsync("/profiles/new?q=wireless+wi-fi"), StringComparison.Ordinal);
        Assert.Contains("No payload matches.", await server.Admin.GetStringAsync("/profiles/new?q=coffee"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_enterprise_network_with_its_identity_and_its_anchor_is_built_in_one_form()
    {
        var id = await Create("Enterprise",
        [
            ("PayloadContent[0].PayloadType", "com.apple.security.pkcs12"), ("PayloadContent[0].PayloadUUID", Identity), ("@PayloadContent[0].PayloadContent", "pkcs12"), ("PayloadContent[0].Password", "secret"),
            ("PayloadContent[1].PayloadType", "com.apple.security.root"), ("PayloadContent[1].PayloadUUID", Anchor), ("@PayloadContent[1].PayloadContent", "certificate"),
            ("PayloadContent[2].PayloadType", "com.apple.wifi.managed"), ("PayloadContent[2].SSID_STR", "Staff"), ("PayloadContent[2].EncryptionType", "WPA3"), ("PayloadContent[2].PayloadCertificateUUID", Identity),
            ("PayloadContent[2].EAPClientConfiguration.AcceptEAPTypes", "13"), ("PayloadContent[2].EAPClientConfiguration.AcceptEAPTypes", "25"), ("PayloadContent[2].EAPClientConfiguration.PayloadCertificateAnchorUUID", Anchor),
            ("PayloadContent[2].EAPClientConfiguration.TLSTrustedServerNames", "radius.example"),
        ]);
        var profile = await Profile(id);
        var wifi = profile["PayloadContent"]![2]!;
        Assert.Equal("""{"AcceptEAPTypes":[13,25],"PayloadCertificateAnchorUUID":["22222222-52E5-4B8E-9C61-0F2A4D5E6B7C"],"TLSTrustedServerNames":["radius.example"]}""", wifi["EAPClientConfiguration"]!.ToJsonString());
        Assert.Equal(("(hidden)", "(hidden)"), ((string)profile["PayloadContent"]![0]!["PayloadContent"]!, (string)profile["PayloadContent"]![0]!["Password"]!));

        // Nothing is odd in it, and neither its page nor its form shows a secret.
        var page = await server.Admin.GetStringAsync($"/profiles/{id}");
        Assert.DoesNotContain("Look at this", page, StringComparison.Ordinal);
        var form = await server.Admin.GetStringAsync($"/profiles/{id}/edit");
        foreach (var text in (string[])[page, form])
        {
            Assert.DoesNotContain(Convert.ToBase64String(Pkcs12)[..60], text, StringComparison.Ordinal);
            Assert.DoesNotContain("value=\"secret\"", text, StringComparison.Ordinal);
        }

        // Both certificates can be chosen where one is needed.
        Assert.Matches($"(?s)PayloadContent\\[2\\].PayloadCertificateUUID.*?<option value=\"{Identity}\" selected", WebUtility.HtmlDecode(form));
    }

    [Fact]
    public async Task A_refused_form_names_the_field_and_keeps_what_was_entered_also_the_secrets_and_the_files()
    {
        (string, string)[] entered =
        [
            ("PayloadDisplayName", "Refused"), ("PayloadContent[0].PayloadType", "com.apple.security.pkcs12"), ("PayloadContent[0].PayloadUUID", Identity), ("@PayloadContent[0].PayloadContent", "pkcs12"),
            ("PayloadContent[0].Password", "guess"), ("PayloadContent[1].PayloadType", "com.apple.mobiledevice.passwordpolicy"), ("PayloadContent[1].minLength", "many"), ("note", "because"),
        ];
        using var refused = await Post("/profiles/new", [.. entered, ("do", "save")]);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        var page = WebUtility.HtmlDecode(await refused.Content.ReadAsStringAsync());
        Assert.Contains("id=\"field-PayloadContent[1].minLength-error\"", page, StringComparison.Ordinal);
        Assert.Contains("value=\"many\"", page, StringComparison.Ordinal);
        Assert.Contains("value=\"because\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("guess", page, StringComparison.Ordinal);

        // Mended: the file and the password came back sealed. The password is wrong, and said to be so at its field.
        using var second = await Post("/profiles/new", [.. Entered(page).Where(field => field.Name is not "PayloadContent[1].minLength"), ("PayloadContent[1].minLength", "6"), ("do", "save")]);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, second.StatusCode);
        page = WebUtility.HtmlDecode(await second.Content.ReadAsStringAsync());
        Assert.Contains("The password does not open the PKCS #12 file", page, StringComparison.Ordinal);
        using var third = await Post("/profiles/new", [.. Entered(page).Where(field => field.Name is not ("PayloadContent[0].Password.kept" or "PayloadContent[0].Password")), ("PayloadContent[0].Password", "secret"), ("do", "save")]);
        Assert.Equal(HttpStatusCode.SeeOther, third.StatusCode);
    }

    [Theory]
    [InlineData("PayloadContent[0].PayloadType", "com.apple.wifi.managed")]
    [InlineData("PayloadDisplayName", "Twice")]
    [InlineData("PayloadContent[0].Password.kept", "(hidden)")]
    [InlineData("basedOn", "1")]
    [InlineData("PayloadContent[0].AutoJoin", "maybe")]
    public async Task A_form_that_no_page_sends_changes_nothing(string name, string value)
    {
        var id = await Create("Forged", [("PayloadContent[0].PayloadType", "com.apple.wifi.managed"), ("PayloadContent[0].SSID_STR", "S"), ("PayloadContent[0].EncryptionType", "WPA2"), ("PayloadContent[0].Password", "eight characters")]);
        var entered = Entered(await server.Admin.GetStringAsync($"/profiles/{id}/edit")).Where(field => value != "maybe" || field.Name != name);
        using var answer = await Post($"/profiles/{id}/edit", [.. entered, (name, value), ("do", "save")]);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        using var profile = await server.Admin.GetAsync($"/api/v1/profiles/{id}");
        Assert.Equal(1, (int)(await AdminServer.Body(profile, 200))["version"]!);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("x")]
    [InlineData("*")]
    [InlineData("")]
    public async Task A_change_that_does_not_say_what_it_is_based_on_writes_nothing_over(string? basedOn)
    {
        var id = await Create("Based", [("PayloadContent[0].PayloadType", "com.apple.wifi.managed"), ("PayloadContent[0].SSID_STR", "S"), ("PayloadContent[0].EncryptionType", "WPA2"), ("PayloadContent[0].Password", "eight characters")]);
        var entered = Entered(await server.Admin.GetStringAsync($"/profiles/{id}/edit")).Where(field => field.Name is not ("basedOn" or "PayloadContent[0].SSID_STR")).ToList();
        entered.AddRange([("PayloadContent[0].SSID_STR", "Other"), ("do", "save")]);
        if (basedOn is not null) entered.Add(("basedOn", basedOn));
        using var answer = await Post($"/profiles/{id}/edit", [.. entered]);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("S", (string)(await Profile(id))["PayloadContent"]![0]!["SSID_STR"]!);
    }

    [Fact]
    public async Task Two_files_in_one_field_are_refused()
    {
        using var answer = await Post("/profiles/new",
            [("PayloadDisplayName", "Two"), ("PayloadContent[0].PayloadType", "com.apple.security.root"), ("@PayloadContent[0].PayloadContent", "certificate"), ("@PayloadContent[0].PayloadContent", "png"), ("do", "save")]);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("twice", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_field_that_the_form_does_not_have_is_refused_and_named()
    {
        (string, string)[] clip = [("PayloadDisplayName", "Odd"), ("PayloadContent[0].PayloadType", "com.apple.webClip.managed"), ("PayloadContent[0].URL", "https://school.example/"), ("PayloadContent[0].Label", "School")];
        foreach (var field in (string[])["PayloadContent[0].Password", "PayloadContent[0].URL.x", "PayloadContent[0].Label[0].a", "PayloadContent[1].URL"])
        {
            using var refused = await Post("/profiles/new", [.. clip, (field, "1"), ("do", "save")]);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
            Assert.Contains("This form has no such field.", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_was_sealed_for_one_person_is_no_secret_for_another()
    {
        using var shown = await Post("/profiles/new", [("PayloadContent[0].PayloadType", "com.apple.wifi.managed"), ("PayloadContent[0].SSID_STR", "S"), ("PayloadContent[0].Password", "eight characters"), ("do", "payload")]);
        var entered = Entered(WebUtility.HtmlDecode(await shown.Content.ReadAsStringAsync()));
        Assert.Contains(entered, field => field.Name == "PayloadContent[0].Password.kept");
        var (_, token) = await server.MakeToken("administrator", "another");
        using var other = server.Client(token);
        using var saved = await Post("/profiles/new", [.. entered.Where(field => field.Name != "PayloadDisplayName"), ("PayloadDisplayName", "Sealed"), ("do", "save")], other);
        var id = saved.Headers.Location!.ToString().Split('/', '?')[2];
        Assert.Null((await Profile(id))["PayloadContent"]![0]!["Password"]);
    }

    [Fact]
    public async Task Items_and_payloads_are_added_and_removed_and_the_rest_stays()
    {
        (string, string)[] entered =
        [
            ("PayloadDisplayName", "Printers"), ("PayloadContent[0].PayloadType", "com.apple.airprint"), ("PayloadContent[0].AirPrint[0]", "0"), ("PayloadContent[0].AirPrint[0].IPAddress", "10.0.0.1"),
        ];
        using var added = await Post("/profiles/new", [.. entered, ("do", "add:PayloadContent[0].AirPrint")]);
        Assert.Equal(HttpStatusCode.OK, added.StatusCode);
        var page = WebUtility.HtmlDecode(await added.Content.ReadAsStringAsync());
        Assert.Contains("name=\"PayloadContent[0].AirPrint[1].IPAddress\"", page, StringComparison.Ordinal);
        Assert.Contains("value=\"10.0.0.1\"", page, StringComparison.Ordinal);

        using var more = await Post("/profiles/new", [.. Entered(page), ("newType", "com.apple.extensiblesso kerberos"), ("do", "payload")]);
        page = WebUtility.HtmlDecode(await more.Content.ReadAsStringAsync());
        Assert.Contains("name=\"PayloadContent[1].PayloadType\" value=\"com.apple.extensiblesso\"", page, StringComparison.Ordinal);
        Assert.Contains("value=\"kerberos\"", page, StringComparison.Ordinal);

        using var less = await Post("/profiles/new", [.. Entered(page), ("do", "remove:PayloadContent[0].AirPrint[0]")]);
        page = WebUtility.HtmlDecode(await less.Content.ReadAsStringAsync());
        Assert.DoesNotContain("10.0.0.1", page, StringComparison.Ordinal);
        using var none = await Post("/profiles/new", [.. Entered(page), ("do", "remove:PayloadContent[0]")]);
        page = WebUtility.HtmlDecode(await none.Content.ReadAsStringAsync());
        Assert.Contains("name=\"PayloadContent[0].PayloadType\" value=\"com.apple.extensiblesso\"", page, StringComparison.Ordinal);
        Assert.DoesNotContain("com.apple.airprint\"", page[..page.IndexOf("newType", StringComparison.Ordinal)], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_is_a_version_that_can_be_compared_and_gone_back_to()
    {
        var id = await Create("Versions", [("PayloadContent[0].PayloadType", "com.apple.wifi.managed"), ("PayloadContent[0].SSID_STR", "Old"), ("PayloadContent[0].EncryptionType", "WPA2"), ("PayloadContent[0].Password", "eight characters")]);
        var form = WebUtility.HtmlDecode(await server.Admin.GetStringAsync($"/profiles/{id}/edit"));
        var entered = Entered(form).Where(field => field.Name != "PayloadContent[0].SSID_STR").Append(("PayloadContent[0].SSID_STR", "New")).Append(("do", "save")).ToArray();
        using var changed = await Post($"/profiles/{id}/edit", entered);
        Assert.Equal($"/profiles/{id}?done=changed", changed.Headers.Location?.ToString());
        Assert.Equal("(hidden)", (string)(await Profile(id))["PayloadContent"]![0]!["Password"]!);

        // Somebody else has changed it in between.
        using var late = await Post($"/profiles/{id}/edit", [.. entered.Where(field => field.Item1 != "PayloadContent[0].SSID_STR"), ("PayloadContent[0].SSID_STR", "Late")]);
        Assert.Equal(HttpStatusCode.PreconditionFailed, late.StatusCode);

        var compared = await server.Admin.GetStringAsync($"/profiles/{id}/compare?from=1&to=2");
        Assert.Contains("Old", compared, StringComparison.Ordinal);
        Assert.Contains("New", compared, StringComparison.Ordinal);
        Assert.DoesNotContain("eight characters", compared, StringComparison.Ordinal);
        using var back = await PostForm($"/profiles/{id}/restore", ("version", "1"), ("basedOn", "2"), ("note", "no"));
        Assert.Equal($"/profiles/{id}?done=restored", back.Headers.Location?.ToString());
        Assert.Equal("Old", (string)(await Profile(id))["PayloadContent"]![0]!["SSID_STR"]!);
        var versions = await server.Admin.GetStringAsync($"/profiles/{id}/versions");
        Assert.Contains("Back to version 1. no", versions, StringComparison.Ordinal);
        Assert.Contains($"/profiles/{id}/compare?from=2&to=3", WebUtility.HtmlDecode(versions), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_is_shown_and_kept_only_when_that_was_asked_for()
    {
        var identifier = $"example.upload.{Interlocked.Increment(ref _next)}";
        var file = Encoding.UTF8.GetBytes($"""
            <?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict><key>PayloadType</key><string>Configuration</string><key>PayloadVersion</key><integer>1</integer>
            <key>PayloadIdentifier</key><string>{identifier}</string><key>PayloadUUID</key><string>{Guid.NewGuid()}</string><key>PayloadDisplayName</key><string>Uploaded</string>
            <key>PayloadContent</key><array><dict><key>PayloadType</key><string>com.apple.applicationaccess</string><key>PayloadVersion</key><integer>1</integer>
            <key>PayloadIdentifier</key><string>{identifier}.a</string><key>PayloadUUID</key><string>{Guid.NewGuid()}</string><key>allowHostPairing</key><false/></dict></array></dict></plist>
            """);
        using var looked = await Upload("/profiles/upload", file, "look");
        var page = WebUtility.HtmlDecode(await looked.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.OK, looked.StatusCode);
        Assert.Contains(identifier, page, StringComparison.Ordinal);
        Assert.Contains("Apple Configurator on another one", page, StringComparison.Ordinal);
        Assert.DoesNotContain(identifier, await server.Admin.GetStringAsync("/profiles"), StringComparison.Ordinal);

        using var kept = await Upload("/profiles/upload", file, "save");
        var id = kept.Headers.Location!.ToString().Split('/', '?')[2];
        Assert.Contains("Apple Configurator on another one", await server.Admin.GetStringAsync($"/profiles/{id}"), StringComparison.Ordinal);

        var mdm = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(file).Replace("com.apple.applicationaccess", "com.apple.mdm", StringComparison.Ordinal));
        using var refused = await Upload("/profiles/upload", mdm, "save");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        Assert.Contains("this server would lose them", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var other = await Upload($"/profiles/{id}/upload", "hello"u8.ToArray(), "save", basedOn: 1);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, other.StatusCode);
    }

    [Fact]
    public async Task It_is_counted_seen_confirmed_and_then_installed_and_stands_on_the_page_of_the_iPad()
    {
        var pad = await server.Enrol(name: "Profile pad");
        var id = await Create("Installed", [("PayloadContent[0].PayloadType", "com.apple.webClip.managed"), ("PayloadContent[0].URL", "https://school.example/"), ("PayloadContent[0].Label", "School")]);
        using var counted = await PostForm($"/profiles/{id}/install", ("target", "ids"), ("ids", pad.Id));
        var page = WebUtility.HtmlDecode(await counted.Content.ReadAsStringAsync());
        Assert.Contains("Install on 1 iPad?", page, StringComparison.Ordinal);
        Assert.Contains("Profile pad", page, StringComparison.Ordinal);
        Assert.Empty((await pad.Idle()).Body ?? []);

        using var late = await PostForm($"/profiles/{id}/install", ("target", "ids"), ("ids", pad.Id), ("expected", "2"));
        Assert.Equal(HttpStatusCode.Conflict, late.StatusCode);
        using var started = await PostForm($"/profiles/{id}/install", ("target", "ids"), ("ids", pad.Id), ("expected", "1"));
        Assert.StartsWith("/operations/", started.Headers.Location!.ToString(), StringComparison.Ordinal);
        using var device = await server.Admin.GetAsync(pad.Path);
        Assert.Equal("InstallProfile", (string)(await AdminServer.Body(device, 200))["queue"]![0]!["requestType"]!);
        Assert.Contains("On its way", await server.Admin.GetStringAsync($"/ipads/{pad.Id}/profiles"), StringComparison.Ordinal);
        Assert.Contains("Profile pad", await server.Admin.GetStringAsync($"/profiles/{id}/ipads?state=onItsWay"), StringComparison.Ordinal);
        // Who sent it, and what, stands with the command and in the record of the iPad.
        using var commands = await server.Admin.GetAsync($"{pad.Path}/commands");
        var command = (await AdminServer.Body(commands, 200))["items"]![0]!;
        Assert.Equal("Installed, version 1", (string?)command["profile"]);
        Assert.NotNull((string?)command["requestedBy"]);
        using var record = await server.Admin.GetAsync($"/api/v1/audit?target={pad.Id}");
        Assert.Contains((await AdminServer.Body(record, 200))["items"]!.AsArray(), item => (string?)item!["verb"] == "profile.install");
        Assert.Contains("Install profile: Installed, version 1", await server.Admin.GetStringAsync("/operations"), StringComparison.Ordinal);
        using var nobody = await PostForm($"/profiles/{id}/install", ("target", "filter"), ("filter", "os<"));
        Assert.Equal(HttpStatusCode.BadRequest, nobody.StatusCode);

        // It is not deleted as long as nobody says how many iPads have it.
        using var unconfirmed = await PostForm($"/profiles/{id}/delete", ("basedOn", "1"));
        Assert.Equal(HttpStatusCode.Conflict, unconfirmed.StatusCode);
        using var deleted = await PostForm($"/profiles/{id}/delete", ("expected", "1"), ("basedOn", "1"));
        Assert.Equal("/profiles?done=deleted", deleted.Headers.Location?.ToString());
        using var gone = await server.Admin.GetAsync($"/profiles/{id}");
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);
    }

    [Fact]
    public async Task Single_iPads_are_named_by_serial_number_or_name_and_none_is_passed_over_in_silence()
    {
        await server.Enrol(serial: "PPNAMED1", name: "Named pad 1");
        await server.Enrol(serial: "PPNAMED2", name: "Named pad 2");
        var id = await Create("Named", [("PayloadContent[0].PayloadType", "com.apple.webClip.managed"), ("PayloadContent[0].URL", "https://school.example/"), ("PayloadContent[0].Label", "School")]);

        using var counted = await PostForm($"/profiles/{id}/install", ("target", "ids"), ("ids", "ppnamed1\nNamed Pad 2"));
        Assert.Contains("Install on 2 iPads?", WebUtility.HtmlDecode(await counted.Content.ReadAsStringAsync()), StringComparison.Ordinal);
        using var unknown = await PostForm($"/profiles/{id}/install", ("target", "ids"), ("ids", "PPNAMED1\nPPNOBODY"));
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);
        Assert.Contains("has this serial number, name or id: PPNOBODY.", await unknown.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        // A filter beside the choice "all" is meant, and must not reach all.
        using var both = await PostForm($"/profiles/{id}/install", ("target", "all"), ("filter", "serial:PPNAMED1"));
        Assert.Equal(HttpStatusCode.BadRequest, both.StatusCode);
        Assert.Contains("id=\"filter-error\"", await both.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task To_remove_it_from_two_iPads_their_number_is_typed_on_a_page_that_says_who_they_are()
    {
        var (one, two) = (await server.Enrol(name: "First of two"), await server.Enrol());
        var id = await Create("Removed", [("PayloadContent[0].PayloadType", "com.apple.webClip.managed"), ("PayloadContent[0].URL", "https://school.example/"), ("PayloadContent[0].Label", "School")]);
        (string, string)[] both = [("target", "ids"), ("ids", $"{one.Id}\n{two.Id}")];
        using var counted = await PostForm($"/profiles/{id}/remove", both);
        var page = WebUtility.HtmlDecode(await counted.Content.ReadAsStringAsync());
        Assert.Contains("Remove from 2 iPads?", page, StringComparison.Ordinal);
        Assert.Contains("First of two", page, StringComparison.Ordinal);

        // The number alone comes from nobody who saw the page.
        using var alone = await PostForm($"/profiles/{id}/remove", [.. both, ("expected", "2")]);
        Assert.Equal(HttpStatusCode.Conflict, alone.StatusCode);
        page = WebUtility.HtmlDecode(await alone.Content.ReadAsStringAsync());
        Assert.Contains("Nothing was started: the page was too old.", page, StringComparison.Ordinal);
        var seen = ("confirmation", Regex.Match(page, "name=\"confirmation\" value=\"([^\"]+)\"").Groups[1].Value);
        using var wrong = await PostForm($"/profiles/{id}/remove", [.. both, seen, ("expected", "3")]);
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        Assert.Contains("The confirmation is for 2 iPads.", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Null((await one.Idle()).Body);
        using var started = await PostForm($"/profiles/{id}/remove", [.. both, seen, ("expected", "2")]);
        Assert.StartsWith("/operations/", started.Headers.Location!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_uploads_or_deletes_is_told_that_somebody_else_has_changed_it_meanwhile()
    {
        (string, string)[] clip = [("PayloadContent[0].PayloadType", "com.apple.webClip.managed"), ("PayloadContent[0].URL", "https://school.example/"), ("PayloadContent[0].Label", "School")];
        var id = await Create("Contested", clip);
        var file = await server.Admin.GetByteArrayAsync($"/api/v1/profiles/{id}/mobileconfig");
        Assert.Contains("name=\"basedOn\" value=\"1\"", await server.Admin.GetStringAsync($"/profiles/{id}/upload"), StringComparison.Ordinal);
        Assert.Contains("name=\"basedOn\" value=\"1\"", await server.Admin.GetStringAsync($"/profiles/{id}/delete"), StringComparison.Ordinal);
        var identifier = (string)(await Profile(id))["PayloadIdentifier"]!;
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/profiles/{id}") { Content = AdminServer.Json(ProfileTests.Body(ProfileTests.Restrictions(identifier))), Headers = { { "If-Match", "*" } } };
        using var put = await server.Admin.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, put.StatusCode);

        using var lost = await Upload($"/profiles/{id}/upload", file, "save", basedOn: 1);
        Assert.Equal(HttpStatusCode.PreconditionFailed, lost.StatusCode);
        var page = WebUtility.HtmlDecode(await lost.Content.ReadAsStringAsync());
        Assert.Contains("The profile is at version 2 by now. Nothing was saved.", page, StringComparison.Ordinal);
        Assert.Contains($"/profiles/{id}/compare?from=1&to=2", page, StringComparison.Ordinal);
        Assert.Contains("name=\"basedOn\" value=\"2\"", page, StringComparison.Ordinal);
        using var kept = await PostForm($"/profiles/{id}/delete", ("basedOn", "1"));
        Assert.Equal(HttpStatusCode.PreconditionFailed, kept.StatusCode);
        Assert.Contains("Nothing was deleted.", await kept.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        // A form that does not say what it was made from would write over anything.
        using var blind = await Upload($"/profiles/{id}/upload", file, "save");
        Assert.Equal(HttpStatusCode.BadRequest, blind.StatusCode);
        using var blindly = await PostForm($"/profiles/{id}/delete");
        Assert.Equal(HttpStatusCode.BadRequest, blindly.StatusCode);

        // Who has seen it goes on.
        using var saved = await Upload($"/profiles/{id}/upload", file, "save", basedOn: 2);
        Assert.Equal(HttpStatusCode.SeeOther, saved.StatusCode);
        using var deleted = await PostForm($"/profiles/{id}/delete", ("basedOn", "3"));
        Assert.Equal(HttpStatusCode.SeeOther, deleted.StatusCode);
    }

    [Fact]
    public async Task A_viewer_sees_the_library_without_secrets_and_changes_nothing()
    {
        var id = await Create("Viewed", [("PayloadContent[0].PayloadType", "com.apple.wifi.managed"), ("PayloadContent[0].SSID_STR", "S"), ("PayloadContent[0].EncryptionType", "WPA2"), ("PayloadContent[0].Password", "eight characters")]);
        var (_, token) = await server.MakeToken("viewer");
        using var viewer = server.Client(token);
        foreach (var path in (string[])["/profiles", $"/profiles/{id}", $"/profiles/{id}/versions", $"/profiles/{id}/ipads"])
        {
            var page = await viewer.GetStringAsync(path);
            Assert.DoesNotContain("eight characters", page, StringComparison.Ordinal);
            Assert.DoesNotContain("/install", page, StringComparison.Ordinal);
        }

        foreach (var path in (string[])["/profiles/new", "/profiles/upload", $"/profiles/{id}/edit", $"/profiles/{id}/upload", $"/profiles/{id}/install", $"/profiles/{id}/remove", $"/profiles/{id}/delete"])
        {
            using var refused = await viewer.GetAsync(path);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        using var post = await Post($"/profiles/{id}/edit", [("do", "save")], viewer);
        Assert.Equal(HttpStatusCode.Forbidden, post.StatusCode);
    }

    [Theory]
    [InlineData("com.apple.a\n\n\ncom.apple.b\n", 2, null)]
    [InlineData("[Folder]\n com.apple.a\n ---\n com.apple.b\ncom.apple.c", 1, null)]
    [InlineData("Safari browser", 0, "Line 1")]
    [InlineData("com.apple.a\n[Folder\ncom.apple.b", 0, "Line 2")]
    [InlineData("[One]\n  [Two]", 0, "Line 2")]
    public void A_home_screen_is_read_line_by_line_and_written_as_it_was_read(string text, int pages, string? problem)
    {
        var read = HomeScreenLayout.Read(text, dock: false, out var said);
        if (problem is not null)
        {
            Assert.Null(read);
            Assert.StartsWith(problem, said, StringComparison.Ordinal);
            return;
        }

        Assert.Equal(pages, read!.Count);
        var written = HomeScreenLayout.Write(read, dock: false)!;
        Assert.Equal(read.ToJsonString(), HomeScreenLayout.Read(written, dock: false, out _)!.ToJsonString());
        Assert.Null(HomeScreenLayout.Write(JsonNode.Parse("""[[{"Type": "App", "BundleID": "a", "DisplayName": "b"}]]""")!, dock: false));
    }

    private static (string Name, string Value) Field(string field, int payload)
    {
        var parts = field.Split('=', 2);
        return parts[0].StartsWith('@') ? ($"@PayloadContent[{payload}].{parts[0][1..]}", parts[1]) : ($"PayloadContent[{payload}].{parts[0]}", parts[1]);
    }

    private async Task<string> Create(string name, (string Name, string Value)[] fields)
    {
        using var saved = await Post("/profiles/new", [("PayloadDisplayName", name), .. fields, ("do", "save")]);
        Assert.True(saved.StatusCode == HttpStatusCode.SeeOther, string.Join("\n", Wrong().Matches(await saved.Content.ReadAsStringAsync()).Select(match => match.Value)));
        return saved.Headers.Location!.ToString().Split('/', '?')[2];
    }

    private async Task<JsonObject> Profile(string id)
    {
        using var answer = await server.Admin.GetAsync($"/api/v1/profiles/{id}");
        return (await AdminServer.Body(answer, 200))["profile"]!.AsObject();
    }

    /// <summary>Fields whose name begins with @ are files.</summary>
    private async Task<HttpResponseMessage> Post(string path, (string Name, string Value)[] fields, HttpClient? client = null)
    {
        using var form = new MultipartFormDataContent();
        foreach (var (name, value) in fields)
        {
            if (name.StartsWith('@'))
                form.Add(new ByteArrayContent(value switch { "pkcs12" => Pkcs12, "certificate" => Certificate, _ => Png }), $"\"{name[1..]}\"", value);
            else
                form.Add(new StringContent(value), $"\"{name}\"");
        }

        return await (client ?? server.Admin).PostAsync(path, form);
    }

    private async Task<HttpResponseMessage> PostForm(string path, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        return await server.Admin.PostAsync(path, form);
    }

    private async Task<HttpResponseMessage> Upload(string path, byte[] file, string what, int? basedOn = null)
    {
        using var form = new MultipartFormDataContent { { new ByteArrayContent(file), "profile", "a.mobileconfig" }, { new StringContent(what), "do" } };
        if (basedOn is { } version) form.Add(new StringContent($"{version}"), "basedOn");
        return await server.Admin.PostAsync(path, form);
    }

    /// <summary>What a browser would send of a form: its fields as they stand there, without buttons.</summary>
    private static (string Name, string Value)[] Entered(string page)
    {
        var form = page[page.IndexOf("<form class=\"form profile\"", StringComparison.Ordinal)..];
        form = form[..form.IndexOf("</form>", StringComparison.Ordinal)];
        var fields = new List<(string, string)>();
        foreach (Match input in Input().Matches(form))
        {
            var tag = input.Value;
            if (Attribute(tag, "name") is not { } name || Attribute(tag, "type") is "file" or "search" || (Attribute(tag, "type") is "checkbox" && !tag.Contains(" checked", StringComparison.Ordinal)) || name == "key") continue;
            fields.Add((name, Attribute(tag, "value") ?? ""));
        }

        foreach (Match select in Select().Matches(form))
        {
            if (select.Groups[1].Value == "newType") continue;
            fields.Add((WebUtility.HtmlDecode(select.Groups[1].Value), Selected().Match(select.Groups[2].Value) is { Success: true } chosen ? WebUtility.HtmlDecode(chosen.Groups[1].Value) : ""));
        }

        foreach (Match area in Area().Matches(form))
            fields.Add((WebUtility.HtmlDecode(area.Groups[1].Value), WebUtility.HtmlDecode(area.Groups[2].Value)));
        return [.. fields];

        static string? Attribute(string tag, string name) => Regex.Match(tag, $" {name}=\"([^\"]*)\"") is { Success: true } found ? WebUtility.HtmlDecode(found.Groups[1].Value) : null;
    }

    /// <summary>The keys that are expected; there may be more.</summary>
    private static bool Contains(JsonNode? value, JsonNode? expected) => expected is JsonObject keys
        ? value is JsonObject dictionary && keys.All(key => Contains(dictionary[key.Key], key.Value))
        : JsonNode.DeepEquals(value, expected);

    private static byte[] Make(Func<X509Certificate2, byte[]> export)
    {
        using var key = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=Form", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddYears(1));
        return export(certificate);
    }

    [GeneratedRegex("<li>.*?</li>|class=\"wrong\"[^<]*", RegexOptions.Singleline)]
    private static partial Regex Wrong();

    [GeneratedRegex("<input [^>]*>")]
    private static partial Regex Input();

    [GeneratedRegex("<select [^>]*name=\"([^\"]*)\"[^>]*>(.*?)</select>", RegexOptions.Singleline)]
    private static partial Regex Select();

    [GeneratedRegex("<option value=\"([^\"]*)\" selected")]
    private static partial Regex Selected();

    [GeneratedRegex("<textarea [^>]*name=\"([^\"]*)\"[^>]*>(.*?)</textarea>", RegexOptions.Singleline)]
    private static partial Regex Area();
}
