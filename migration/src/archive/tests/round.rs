//! What was written is read back.

use super::*;

#[test]
fn what_goes_in_comes_out() {
    let sample = Sample::small();
    let (kept, seal) = read_all(&sample.write()).unwrap();
    let objects = kept.items.iter().filter_map(|item| match item {
        Item::Object { object, .. } => Some(object),
        Item::Gone { .. } => None,
    });
    let objects: Vec<_> = objects.collect();
    assert_eq!(objects, sample.objects.iter().map(|(object, _)| object).collect::<Vec<_>>());
    assert_eq!(kept.items.len(), objects.len() + 1);
    assert_eq!(kept.folders, sample.folders);
    assert_eq!(kept.log, sample.log);
    assert!(kept.blobs.iter().all(|(id, bytes)| sample.blobs[id.as_bytes()] == bytes));
    let record = seal.record();
    assert_eq!((record.account, record.lsn_to, record.objects), (about().essaim.account, 10, 6));
    assert_eq!(seal.signer(), &key().public());
    assert_eq!(kept.checkpoints.last().unwrap().root, record.root);
}

#[test]
fn the_same_state_gives_the_same_bytes() {
    assert_eq!(Sample::small().write(), Sample::small().write());
}

#[test]
fn an_empty_account_is_an_archive() {
    assert!(read_all(&Sample::default().write()).is_ok());
}

#[test]
fn an_object_larger_than_a_segment_has_one_of_its_own() {
    let mut sample = Sample::default();
    let mut noise = vec![0; 3 << 20];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    sample.mail(1, 1, &[b"small"]);
    sample.mail(1, 2, &[&noise, &noise[1..], &noise[2..]]);
    sample.mail(1, 3, &[b"small again"]);
    let bytes = sample.write();
    let (kept, _) = read_all(&bytes).unwrap();
    assert_eq!(kept.blobs.len(), 5);
    let frames = frames(&bytes);
    assert!(frames.iter().all(|frame| frame.len() <= limits::FRAME_MAX));
    assert!(frames.len() > 5);
}

#[test]
fn segments_of_small_objects_are_one_frame_each() {
    let mut sample = Sample::default();
    let text = "a line of mail that is like all the others\r\n".repeat(60);
    for uid in 1..=3000 {
        sample.mail(1, uid, &[format!("{uid} {text}").as_bytes()]);
    }
    let bytes = sample.write();
    let (kept, _) = read_all(&bytes).unwrap();
    // One of what comes first, those of objects; and the seal, whose frame is no segment.
    assert_eq!(frames(&bytes).len(), kept.checkpoints.len() + 1);
    assert!(kept.checkpoints.len() > 2);
    assert!(kept.checkpoints.windows(2).all(|pair| pair[0].offset < pair[1].offset));
}

#[test]
fn a_checkpoint_is_where_a_frame_begins() {
    let bytes = Sample::small().write();
    let (kept, _) = read_all(&bytes).unwrap();
    for checkpoint in kept.checkpoints {
        let rest = &bytes[usize::try_from(checkpoint.offset).unwrap()..];
        assert_eq!(rest[..4], [0x28, 0xb5, 0x2f, 0xfd]);
    }
}

#[test]
fn the_writer_refuses_what_no_reader_takes() {
    let mut sample = Sample::default();
    sample.mail(1, 2, &[b"x"]);
    sample.mail(1, 1, &[b"y"]);
    let mut blobs = sample.blobs.clone();
    let mut writer = Writer::begin::<String>(Vec::new(), &about(), TIME, None).unwrap();
    let mut add = |at: usize| {
        let (object, path) = sample.objects[at].clone();
        writer.object(object, path, TIME, &mut blobs)
    };
    assert!(add(0).is_ok());
    assert!(matches!(add(1), Err(WriteError::Impossible { why: Why::UidOrder { last: 2 }, .. })));
}

#[test]
fn a_blob_that_is_not_there_is_named() {
    let mut sample = Sample::small();
    let id = sample.objects[0].0.blobs[0];
    sample.blobs.clear();
    let mut writer = Writer::begin::<String>(Vec::new(), &about(), TIME, None).unwrap();
    let (object, path) = sample.objects[0].clone();
    let outcome = writer.object(object, path, TIME, &mut sample.blobs);
    assert!(matches!(outcome, Err(WriteError::Blob(error)) if error.contains(&id.to_string())));
}
