using CsCheck;
using FleetMdm.Protocol.Mdm;

namespace FleetMdm.Protocol.Tests.Mdm;

public sealed class MdmSenderTests
{
    [Fact]
    public void A_device_is_known_by_its_UDID_even_beside_an_EnrollmentID()
    {
        var sender = MdmSender.From("U", "E");
        Assert.Equal(("U", "U", MdmSenderKind.Device), (sender.EnrolmentId, sender.DeviceId, sender.Kind));
        Assert.Equal("E", sender.EnrollmentId);
    }

    [Fact]
    public void A_User_Enrollment_is_known_by_its_EnrollmentID()
    {
        var sender = MdmSender.From("", "E", "", "", "");
        Assert.Equal(("E", "E", MdmSenderKind.UserEnrollment), (sender.EnrolmentId, sender.DeviceId, sender.Kind));
    }

    [Fact]
    public void A_Shared_iPads_user_is_known_by_device_and_short_name()
    {
        var sender = MdmSender.From("U", null, MdmSender.SharedIPadUserId, "mira:v@school.example", "Mira Vogel");
        Assert.Equal(("U:mira%3Av@school.example", "U", MdmSenderKind.SharedUser), (sender.EnrolmentId, sender.DeviceId, sender.Kind));
    }

    [Fact]
    public void Another_user_channel_is_known_by_device_and_UserID()
    {
        var sender = MdmSender.From("U", null, "501", "mira");
        Assert.Equal("U:501", sender.EnrolmentId);
        Assert.Equal(MdmSenderKind.SharedUser, sender.Kind);
    }

    [Fact]
    public void A_short_name_alone_makes_no_user_channel() =>
        Assert.Equal(MdmSenderKind.Device, MdmSender.From("U", null, null, "mira").Kind);

    [Theory]
    [InlineData(null, null, null, null, MdmReason.MissingKey, "UDID")]
    [InlineData("", "", "501", "mira", MdmReason.MissingKey, "UDID")]
    [InlineData("U", null, MdmSender.SharedIPadUserId, null, MdmReason.MissingKey, "UserShortName")]
    [InlineData(null, "E", "501", "mira", MdmReason.InvalidValue, "UserID")]
    [InlineData("U:1", null, null, null, MdmReason.InvalidValue, "UDID")]
    [InlineData(null, "E:1", null, null, MdmReason.InvalidValue, "EnrollmentID")]
    [InlineData("U\n", null, null, null, MdmReason.InvalidValue, "UDID")]
    [InlineData("U", null, "501\u0085", null, MdmReason.InvalidValue, "UserID")]
    [InlineData("U", null, MdmSender.SharedIPadUserId, "mi\tra", MdmReason.InvalidValue, "UserShortName")]
    public void An_identity_that_is_none_is_refused(string? udid, string? enrollmentId, string? userId, string? userShortName, MdmReason reason, string field)
    {
        var refused = Assert.Throws<MdmFormatException>(() => MdmSender.From(udid, enrollmentId, userId, userShortName));
        Assert.Equal((reason, field), (refused.Reason, refused.Field));
    }

    [Fact]
    public void Ids_of_devices_have_at_most_64_characters_and_users_at_most_200()
    {
        var device = new string('A', EnrolmentId.LongestDeviceId);
        var user = new string('a', EnrolmentId.LongestUser);
        Assert.Equal($"{device}:{user}", MdmSender.From(device, null, user).EnrolmentId);
        Assert.Throws<MdmFormatException>(() => MdmSender.From(device + "A", null));
        Assert.Throws<MdmFormatException>(() => MdmSender.From("U", null, user + "a"));
        // Encoded it is longer.
        Assert.Throws<MdmFormatException>(() => MdmSender.From("U", null, new string('/', EnrolmentId.LongestUser / 3 + 1)));
        Assert.Throws<MdmFormatException>(() => MdmSender.From("U", null, null, null, new string('a', MdmSender.LongestId + 1)));
    }

    [Theory]
    [InlineData("00008030-001c2d3e4f50802e", "00008030-001C2D3E4F50802E")]
    [InlineData("5B1A0F86E2C94D3A8F7061524334251606F7E8D9", "5b1a0f86e2c94d3a8f7061524334251606f7e8d9")]
    [InlineData("5b1a0f86e2c94d3a8f7061524334251606f7e8d9", "5b1a0f86e2c94d3a8f7061524334251606f7e8d9")]
    [InlineData("a.b_c-1", "A.B_C-1")]
    public void An_id_has_one_spelling(string sent, string id)
    {
        Assert.Equal(id, MdmSender.From(sent, null).EnrolmentId);
        Assert.Equal(id, EnrolmentId.Parse(sent));
        Assert.Equal(id, EnrolmentId.Parse(id));
    }

    [Fact]
    public void What_a_user_is_encoded_to_is_read_as_itself() => Gen.String.Sample(name =>
    {
        if (EnrolmentId.User(name) is not { } encoded) return;
        Assert.Equal("U:" + encoded, EnrolmentId.Parse("u:" + encoded));
        Assert.DoesNotContain(encoded, c => c is '/' or '\\' or '?' or '#' or ':' || char.IsWhiteSpace(c) || char.IsControl(c));
        Assert.Equal(name, Uri.UnescapeDataString(encoded));
    });
}
